"""Facts from the rows of the log: made for whoever asks, never by the kernel itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from papertape.broker.broker import Broker
from papertape.broker.telling import fact_of, names_of
from papertape.engine.codes import NO_SECTION, SECTIONS, STATES, TRIGGERS
from papertape.engine.instance import Instance
from papertape.engine.moments import Moment, Moments
from papertape.engine.reasons import section_words, tell_reason
from papertape.engine.stepper import ACCEPTED
from papertape.model.events import (
    AlertRaised,
    AnyEvent,
    ConditionReading,
    InstanceTransitioned,
    SectionCode,
    SessionChanged,
    SignalFired,
)
from papertape.model.fact_log import ALERT, NO_REASON, REASON, SESSION, SIGNAL, TRANSITION
from papertape.model.fact_rows import FactRows


class Teller:
    """Makes the facts of one session from its rows."""

    def __init__(self, broker: Broker, instances: Sequence[Instance]) -> None:
        self._names = names_of(broker)
        self._instances: Mapping[int, Instance] = {instance.index: instance for instance in instances}

    def facts(self, rows: FactRows) -> Iterator[AnyEvent]:
        """Yield the facts of a chunk, in order."""
        moments = Moments(rows, self._instances)

        def words(place: int) -> str:
            return tell_reason(moments, place, None)

        for row in range(len(rows)):
            kind = rows.go(row)
            if kind == SIGNAL:
                yield self._signal(moments)
            elif kind == TRANSITION:
                yield self._transition(moments)
            elif kind == SESSION:
                yield _session(rows)
            elif kind == ALERT:
                yield _alert(rows)
            elif kind != REASON:
                yield fact_of(rows, row, self._names, words)

    def _signal(self, moments: Moments) -> SignalFired:
        rows = moments.rows
        seq, ts, entry_seq, index, section, is_buy, place, reason, outcome = rows.take_ints(9)
        price = rows.take_float()
        moment = moments.at(place)
        instance, code = self._instances[index], SECTIONS[section]
        return SignalFired(
            seq=seq,
            ts=ts,
            entry_seq=entry_seq,
            strategy=instance.strategy,
            instrument=instance.lane.instrument.id,
            section=code,
            side="buy" if is_buy else "sell",
            price=_present(price),
            outcome="accepted" if outcome == ACCEPTED else rows.texts[outcome],
            reason=section_words(moment) if reason == NO_REASON else tell_reason(moments, reason, instance),
            trace=moment.readings(code),
        )

    def _transition(self, moments: Moments) -> InstanceTransitioned:
        rows = moments.rows
        seq, ts, entry_seq, index, left, entered, trigger, section, place, reason = rows.take_ints(10)
        price = rows.take_float()
        instance = self._instances[index]
        return InstanceTransitioned(
            seq=seq,
            ts=ts,
            entry_seq=entry_seq,
            strategy=instance.strategy,
            instrument=instance.lane.instrument.id,
            from_state=STATES[left],
            to_state=STATES[entered],
            trigger=TRIGGERS[trigger],
            section=None if section == NO_SECTION else SECTIONS[section],
            reason=tell_reason(moments, reason, instance),
            price=_present(price),
            trace=_trace(moments.at(place)),
        )


def _session(rows: FactRows) -> SessionChanged:
    seq, ts, entry_seq, is_degraded, entries_paused = [rows.take_int() for _ in range(5)]
    state, trigger, reason = [rows.take_text() for _ in range(3)]
    return SessionChanged(
        seq=seq,
        ts=ts,
        entry_seq=entry_seq,
        state=state,  # type: ignore[arg-type]  # the word of a LifecycleChange
        trigger=trigger,
        reason=reason,
        is_degraded=bool(is_degraded),
        entries_paused=bool(entries_paused),
    )


def _alert(rows: FactRows) -> AlertRaised:
    seq, ts, entry_seq = [rows.take_int() for _ in range(3)]
    instrument, code, severity, message, stage = [rows.take_text() for _ in range(5)]
    return AlertRaised(
        seq=seq,
        ts=ts,
        entry_seq=entry_seq,
        code=code,
        severity=severity,  # type: ignore[arg-type]  # the word of an AlertNote
        message=message,
        stage=stage,
        instrument=instrument or None,
    )


def _trace(moment: Moment) -> tuple[ConditionReading, ...]:
    codes: tuple[SectionCode, ...] = SECTIONS
    return tuple(reading for code in codes for reading in moment.readings(code))


def _present(number: float) -> float | None:
    return None if number != number else number
