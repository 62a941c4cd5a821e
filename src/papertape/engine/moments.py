"""Readings of an instance's conditions: as they are now, or as they were at a moment that was kept."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from math import nan

from papertape.engine.codes import NEVER, SECOND
from papertape.engine.instance import HAS_POSITION, IS_STALE, Instance
from papertape.model.events import ConditionReading, SectionCode
from papertape.model.fact_log import NO_REASON
from papertape.model.fact_rows import FactRows
from papertape.strategy.evaluate import Memory
from papertape.strategy.program import INSTANCE_NAMES
from papertape.strategy.readings import Monitor

_SIGNAL_AGE = INSTANCE_NAMES.index("signal_age_s")


class _Values:
    """Where the values of an instance come from, told from what a moment keeps."""

    def __init__(self, instance: Instance, times: tuple[int, int, int, int], flags: int) -> None:
        self._instance = instance
        self._trade_ts, self._quote_ts, self._event_ts, self._ts = times
        self._flags = flags

    def reason(self, index: int) -> str:
        """Return why an operand has no value: the lane's reason, or what the instance lacks."""
        instance = self._instance
        if index < instance.indicator_count:
            return self._indicator_reason(index)
        if index - instance.indicator_count == _SIGNAL_AGE:
            return "no signal is found now"
        if not self._flags & HAS_POSITION:
            return "no position is open"
        return f"stale {(self._ts - self._event_ts) // SECOND} s" if self._flags & IS_STALE else "no price yet"

    def data_ts(self, index: int) -> int | None:
        """Return the time of the newest market event behind an operand."""
        instance = self._instance
        if index >= instance.indicator_count:
            return _known(self._event_ts)
        slot = instance.lane.slots[instance.slots[index]]
        return _known(self._quote_ts if slot.is_quoted else self._trade_ts)

    def _indicator_reason(self, index: int) -> str:
        return self._instance.lane.reason(self._instance.slots[index])


class _KeptValues(_Values):
    def __init__(self, instance: Instance, times: tuple[int, int, int, int], flags: int, words: str) -> None:
        super().__init__(instance, times, flags)
        self._words = dict(line.split(" ", 1) for line in words.split("\n")) if words else {}

    def _indicator_reason(self, index: int) -> str:
        return self._words[str(index)]


def monitor_now(instance: Instance) -> Monitor:
    """Return the conditions of an instance as of its last evaluation."""
    lane = instance.lane
    flags = (HAS_POSITION if instance.position is not None else 0) | (IS_STALE if lane.is_stale() else 0)
    values = _Values(instance, (lane.trade_ts, lane.quote_ts, lane.event_ts, lane.ts), flags)
    return Monitor(instance.program, instance.memory, values, instance.units)


class Moment:
    """A moment read back: its instance, its section (-1: none), and its conditions as they were.

    `words` are those of its section, empty until somebody asked for them.
    """

    def __init__(self, rows: FactRows, words: str, instances: Mapping[int, Instance]) -> None:
        index, self.section, seen_ts, trade_ts, quote_ts, event_ts, flags, ts = rows.take_ints(8)
        self.instance = instance = instances[index]
        self.words = ""
        program = instance.program
        memory = Memory(program.table)
        memory.ts = seen_ts
        memory.ints = rows.take_ints(len(memory.ints))
        kept = rows.take_floats(instance.kept_count)
        unknown = [nan] * (len(program.operands) - len(kept))
        memory.values = array("d", [*kept, *unknown, *program.constants])
        memory.floats = rows.take_floats(len(memory.floats))
        values = _KeptValues(instance, (trade_ts, quote_ts, event_ts, ts), flags, words)
        self.monitor = Monitor(program, memory, values, instance.units)
        self._readings: dict[SectionCode, tuple[ConditionReading, ...]] = {}

    def readings(self, code: SectionCode) -> tuple[ConditionReading, ...]:
        """Return the readings of all conditions of a section, made once."""
        known = self._readings.get(code)
        if known is None:
            known = self._readings[code] = self.monitor.readings(code)
        return known


class Moments:
    """The moments of a chunk of rows. The newest is kept: a signal, its transition and its order tell of the same."""

    def __init__(self, rows: FactRows, instances: Mapping[int, Instance]) -> None:
        self.rows = rows
        self._instances = instances
        self._place = NO_REASON
        self._newest: Moment | None = None

    def at(self, place: int) -> Moment:
        """Return the moment in row `place`."""
        if self._newest is None or self._place != place:
            rows = self.rows
            rows.go(place)
            _, text = rows.take_ints(2)
            self._newest = Moment(rows, "" if text == NO_REASON else rows.texts[text], self._instances)
            self._place = place
        return self._newest


def _known(ts: int) -> int | None:
    return None if ts == NEVER else ts
