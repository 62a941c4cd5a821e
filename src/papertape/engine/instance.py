"""One strategy on one instrument: its state, its conditions' memory, and what the venue said about its orders."""

from __future__ import annotations

from decimal import Decimal

from papertape.broker import Draft
from papertape.engine.lane import SECOND, Lane
from papertape.model.events import (
    InstanceState,
    OrderFilled,
    OrderUpdated,
    PositionChanged,
    SectionCode,
    Trigger,
)
from papertape.model.views import LastTransition
from papertape.strategy.durations import duration_us
from papertape.strategy.evaluate import Memory, evaluate
from papertape.strategy.machine import WATCHED
from papertape.strategy.program import INSTANCE_NAMES, TRUE, Program
from papertape.strategy.readings import Monitor
from papertape.strategy.risk import venue_refusal
from papertape.strategy.words import unit_text

DEFAULT_SIGNAL_TIMEOUT_US = 300 * SECOND
"""How long a found signal waits where O1 is not defined at all."""

_WORKING = ("submitted", "accepted", "partially_filled")
_LEAVING = ("exit", "emergency_exit")
_PROTECTIVE: dict[str, Trigger] = {"stop_loss": "stop", "take_profit": "target"}


class Instance:
    """The mutable state of one instance. Times are microseconds UTC; `None` is: has not happened."""

    def __init__(self, program: Program, lane: Lane) -> None:
        definition = program.definition
        self.strategy = definition.name
        self.program = program
        self.lane = lane
        self.key = f"{self.strategy}|{lane.instrument.id}"
        self.slots = tuple(lane.require(use) for use in definition.indicators.values())
        self.memory = Memory(program)
        self.values = program.empty_values()
        units = tuple(unit_text(operand.unit, lane.instrument) for operand in program.operands)
        self.monitor = Monitor(program, self.memory, self.values, self, units)
        self.is_long = definition.sections.Z1.order.side == "long"
        self.never = venue_refusal(definition, lane.instrument)
        self.timeout_us = _signal_timeout_us(program)
        self.state: InstanceState = "MONITORING"
        self.since = 0
        self.last_transition: LastTransition | None = None
        self.was_true: set[SectionCode] = set()
        self.refused: tuple[str, str] | None = None
        self.signal_ts: int | None = None
        self.cooldown_until = 0
        self.has_told_cooldown = False
        self.live: dict[str, OrderUpdated] = {}
        self.position: PositionChanged | None = None
        self.best_price = 0.0
        self.forget_entry()

    def forget_entry(self) -> None:
        """Forget the orders of the last trade, before the next entry."""
        self.entry: OrderUpdated | None = None
        self.bound = Decimal(0)
        self.has_filled = False
        self.protection: tuple[Trigger, str] | None = None
        self.exit_problem: str | None = None
        self.exit_sent_ts = 0
        self.exit_attempts = 0
        self.last_pnl: Decimal | None = None

    @property
    def has_live_entry(self) -> bool:
        """Whether an entry order may still fill."""
        return self.entry is not None and self.entry.order_id in self.live

    @property
    def is_leaving(self) -> bool:
        """Whether an order that closes the position now may still fill."""
        fired = self.protection[1] if self.protection else None
        return any(order.purpose in _LEAVING or order_id == fired for order_id, order in self.live.items())

    def note(self, fact: Draft) -> bool:
        """Take what the venue did to an order or position of this instance; return True for a new position."""
        if isinstance(fact, OrderUpdated):
            self._note_order(fact)
        elif isinstance(fact, OrderFilled):
            if fact.purpose == "entry":
                self.has_filled = True
            elif fact.purpose in _PROTECTIVE:
                self.protection = (_PROTECTIVE[fact.purpose], fact.order_id)
        elif isinstance(fact, PositionChanged):
            return self._note_position(fact)
        return False

    def _note_order(self, order: OrderUpdated) -> None:
        if order.status in _WORKING:
            self.live[order.order_id] = order
        else:
            self.live.pop(order.order_id, None)
        if order.purpose == "entry":
            self.entry = order
        elif order.purpose in _LEAVING and order.status in ("rejected", "cancelled", "expired"):
            self.exit_problem = order.reason

    def _note_position(self, position: PositionChanged) -> bool:
        if position.status == "closed":
            self.position = None
            self.last_pnl = position.realized_pnl
            return False
        is_new = self.position is None
        self.position = position
        if is_new:
            self.best_price = float(position.entry_price)
        return is_new

    def venue_trigger(self) -> Trigger | None:
        """Return what order and fill events mean for the machine now, or None."""
        if self.state == "ENTERING":
            return self._entering_trigger()
        if self.state == "POSITION_ACTIVE":
            return self.protection[0] if self.protection else None
        if self.state == "EXITING":
            return self._exiting_trigger()
        return None

    def _entering_trigger(self) -> Trigger | None:
        if self.has_filled:
            return "fill"
        if self.entry is None or self.has_live_entry:
            return None
        return "rejected" if self.entry.status == "rejected" else "cancelled"

    def _exiting_trigger(self) -> Trigger | None:
        if self.position is None:
            if self.has_live_entry:
                return None
            return "fill" if self.has_filled else "cancelled"
        if self.is_leaving or self.lane.ts < self.exit_sent_ts + SECOND:
            return None
        return "rejected"

    def evaluate(self, session_values: tuple[float, float, float], touch: tuple[float | None, float | None]) -> None:
        """Answer every condition as of the lane's time."""
        values, lane_values, index = self.values, self.lane.values, 0
        for slot in self.slots:
            values[index] = lane_values[slot]
            index += 1
        ts = self.lane.ts
        if self.program.reads_position:
            values[index : index + len(INSTANCE_NAMES)] = self._own_values(ts, touch)
        if self.program.reads_session:
            index += len(INSTANCE_NAMES)
            values[index : index + 3] = session_values
        evaluate(self.program, self.memory, values, ts)

    def _own_values(self, ts: int, touch: tuple[float | None, float | None]) -> list[float | None]:
        signal_age = None if self.signal_ts is None else (ts - self.signal_ts) / SECOND
        position = self.position
        if position is None:
            return [None, None, signal_age, None, None]
        age = (ts - position.opened_ts) / SECOND
        is_long = position.side == "long"
        price = (touch[0] if is_long else touch[1]) or self.lane.last
        if price is None or self.is_stale:
            return [None, age, signal_age, None, None]
        entry, sign = float(position.entry_price), 1.0 if is_long else -1.0
        best = self.best_price = max(self.best_price, price) if is_long else min(self.best_price, price)
        pnl = (price - entry) / entry * 100.0 * sign
        retreat = (best - price) / best * 100.0 * sign
        return [pnl, age, signal_age, retreat, (best - entry) / entry * 100.0 * sign]

    @property
    def is_stale(self) -> bool:
        """Whether nothing has come from the instrument for too long."""
        return self.lane.age(self.lane.event_ts) > self.lane.stale_us

    def is_true(self, code: SectionCode) -> bool:
        """Return whether a section's answer is true."""
        root = self.program.roots[code]
        return root >= 0 and self.memory.answers[root] == TRUE

    def is_watched(self, code: SectionCode) -> bool:
        """Return whether a section can move the instance now."""
        return code in WATCHED[self.state]

    def reason(self, index: int) -> str:
        """Return why an operand has no value: the lane's reason, or what the instance lacks."""
        if index < len(self.slots):
            return self.lane.reason(self.slots[index])
        if self.program.operands[index].alias == "signal_age_s":
            return "no signal is found now"
        if self.position is None:
            return "no position is open"
        return f"stale {self.lane.age(self.lane.event_ts) // SECOND} s" if self.is_stale else "no price yet"

    def data_ts(self, index: int) -> int | None:
        """Return the time of the newest market event behind an operand."""
        return self.lane.data_ts(self.slots[index]) if index < len(self.slots) else self.lane.event_ts


def _signal_timeout_us(program: Program) -> int | None:
    cancel = program.definition.sections.O1
    if cancel is None:
        return DEFAULT_SIGNAL_TIMEOUT_US
    return None if cancel.timeout is None else duration_us(cancel.timeout)
