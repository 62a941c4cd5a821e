"""One strategy on one instrument: its state, its conditions' memory, and what the venue said about its orders."""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from math import nan

from papertape.broker.lifecycle import CANCELLED, EMERGENCY_EXIT, ENTRY, EXIT, REJECTED, STOP_LOSS, TAKE_PROFIT
from papertape.broker.owner import Order, Owner, Position
from papertape.engine.codes import (
    BY_CANCELLED,
    BY_FILL,
    BY_REJECTED,
    BY_STOP,
    BY_TARGET,
    COOLDOWN,
    ENTERING,
    EXITING,
    MONITORING,
    NEVER,
    NO_TRIGGER,
    POSITION_ACTIVE,
    SECOND,
    SECTION,
    SECTIONS,
)
from papertape.engine.lane import Lane
from papertape.engine.session_state import SessionState
from papertape.model.buffers import Exact, Floats, Ints, ints
from papertape.model.fact_log import Reason
from papertape.strategy.durations import duration_us
from papertape.strategy.evaluate import TRUE, Memory
from papertape.strategy.program import Program
from papertape.strategy.risk import EntryTerms, Refusal, venue_refusal
from papertape.strategy.words import unit_text

DEFAULT_SIGNAL_TIMEOUT_US = 300 * SECOND
"""How long a found signal waits where O1 is not defined at all."""

NO_TIMEOUT = 1 << 62
MOMENT_HEAD = 8
"""Integers of a moment before its memory: instance, section, time, newest trade, quote and event, position, signal."""

HAS_POSITION, IS_STALE = 1, 2


class Instance(Owner):
    """The mutable state of one instance. Times are microseconds UTC; `NEVER` is: has not happened.

    `seen`, `going_in` and `going_out` are the moments of its newest transition, entry and exit; `told` is that of a
    signal which moved nothing.
    """

    __slots__ = (
        "best_price",
        "cooldown_until",
        "entry",
        "exit_attempts",
        "exit_sent_ts",
        "failed_exit",
        "going_in",
        "going_out",
        "has_filled",
        "has_pnl",
        "has_told_cooldown",
        "indicator_count",
        "is_long",
        "kept_count",
        "key",
        "lane",
        "last_from",
        "last_pnl",
        "last_reason",
        "last_seq",
        "last_to",
        "last_trigger",
        "last_ts",
        "memory",
        "never",
        "operand_count",
        "program",
        "protection",
        "protective",
        "reads_position",
        "reads_session",
        "refused",
        "rest_after_cancel_us",
        "rest_after_exit_us",
        "rest_after_loss_us",
        "roots",
        "s1_root",
        "seen",
        "session",
        "signal_ts",
        "since",
        "slots",
        "state",
        "terms",
        "timeout_us",
        "told",
        "units",
        "was_s1_true",
        "why",
    )
    key: str
    program: Program
    units: tuple[str, ...]
    lane: Lane
    session: SessionState
    terms: EntryTerms
    never: Refusal | None
    memory: Memory
    slots: Ints
    indicator_count: int
    operand_count: int
    kept_count: int
    reads_position: bool
    reads_session: bool
    roots: Ints
    s1_root: int
    is_long: bool
    timeout_us: int
    rest_after_exit_us: int
    rest_after_loss_us: int
    rest_after_cancel_us: int
    state: int
    since: int
    last_seq: int
    last_ts: int
    last_from: int
    last_to: int
    last_trigger: int
    last_reason: Reason | None
    was_s1_true: bool
    refused: Refusal | None
    signal_ts: int
    cooldown_until: int
    has_told_cooldown: bool
    best_price: float
    entry: Order | None
    has_filled: bool
    protection: int
    protective: Order | None
    failed_exit: Order | None
    exit_sent_ts: int
    exit_attempts: int
    has_pnl: bool
    last_pnl: Exact
    seen: Reason
    told: Reason
    going_in: Reason
    going_out: Reason
    why: Reason

    def __init__(self, program: Program, lane: Lane, session: SessionState, terms: EntryTerms) -> None:
        definition = program.definition
        Owner.__init__(self, definition.name, lane.market)
        self.key = f"{definition.name}|{lane.instrument.id}"
        self.program = program
        self.units = tuple([unit_text(operand.unit, lane.instrument) for operand in program.operands])
        self.lane = lane
        self.session = session
        self.terms = terms
        self.never = venue_refusal(definition, lane.instrument)
        required = [lane.require(use) for use in definition.indicators.values()]
        self.slots = ints(max(1, len(required)))
        for place, slot in enumerate(required):
            self.slots[place] = slot
        self.memory = program.new_memory()
        self.indicator_count = len(required)
        self.operand_count = len(program.operands)
        # Values of the instance and the session are kept for a moment only where a condition reads them.
        is_own_read = program.reads_position or program.reads_session
        self.kept_count = self.operand_count if is_own_read else self.indicator_count
        self.reads_position = program.reads_position
        self.reads_session = program.reads_session
        self.roots = ints(len(SECTIONS))
        for section, code in enumerate(SECTIONS):
            self.roots[section] = program.roots[code]
        self.s1_root = self.roots[0]
        self.is_long = definition.sections.Z1.order.side == "long"
        self.timeout_us = _signal_timeout_us(program)
        cooldown = definition.cooldown
        self.rest_after_exit_us = duration_us(cooldown.after_exit)
        self.rest_after_loss_us = duration_us(cooldown.after_loss or cooldown.after_exit)
        self.rest_after_cancel_us = duration_us(cooldown.after_cancel)
        self.state = MONITORING
        self.since = 0
        self.last_seq = 0
        self.last_ts = 0
        self.last_from = MONITORING
        self.last_to = MONITORING
        self.last_trigger = NO_TRIGGER
        self.last_reason = None
        self.was_s1_true = False
        self.refused = None
        self.signal_ts = NEVER
        self.cooldown_until = 0
        self.has_told_cooldown = False
        self.best_price = 0.0
        self.seen = self._new_moment()
        self.told = self._new_moment()
        self.going_in = self._new_moment()
        self.going_out = self._new_moment()
        self.why = Reason("", 12, 0)
        self.forget_entry()

    def _new_moment(self) -> Reason:
        memory = self.memory
        room = MOMENT_HEAD + len(memory.ints)
        return Reason("", room, self.operand_count + len(memory.floats))

    def forget_entry(self) -> None:
        """Forget the orders of the last trade, before the next entry."""
        self.entry = None
        self.has_filled = False
        self.protection = NO_TRIGGER
        self.protective = None
        self.failed_exit = None
        self.exit_sent_ts = 0
        self.exit_attempts = 0
        self.has_pnl = False
        self.last_pnl = 0

    def is_watching(self) -> bool:
        """Return whether it has nothing at the venue and looks for no entry."""
        return self.state in (MONITORING, COOLDOWN)

    def has_live_entry(self) -> bool:
        """Return whether an entry order may still fill."""
        entry = self.entry
        return entry is not None and entry.is_working()

    def is_leaving(self) -> bool:
        """Return whether an order that closes the position now may still fill."""
        leaving = False
        order: Order
        for order in self.orders:
            leaving = leaving or order.purpose in (EXIT, EMERGENCY_EXIT) or order is self.protective
        return leaving

    def note_order(self, order: Order) -> None:
        """Take an order that changed."""
        if order.purpose == ENTRY:
            self.entry = order
        elif order.purpose in (EXIT, EMERGENCY_EXIT) and order.status >= CANCELLED:
            self.failed_exit = order

    def note_fill(self, order: Order) -> None:
        """Take an execution."""
        if order.purpose == ENTRY:
            self.has_filled = True
        elif order.purpose == STOP_LOSS:
            self.protection = BY_STOP
            self.protective = order
        elif order.purpose == TAKE_PROFIT:
            self.protection = BY_TARGET
            self.protective = order

    def note_position(self, position: Position) -> None:
        """Take a position that changed."""
        if position.quantity == 0:
            self.has_pnl = True
            self.last_pnl = position.result()
            self.best_price = 0.0
        elif self.best_price == 0.0:
            self.best_price = position.entry
            self.session.trades_today += 1

    def venue_trigger(self) -> int:
        """Return what order and fill events mean for the machine now, or `NO_TRIGGER`."""
        if self.state == ENTERING:
            return self._entering_trigger()
        if self.state == POSITION_ACTIVE:
            return self.protection
        if self.state == EXITING:
            return self._exiting_trigger()
        return NO_TRIGGER

    def _entering_trigger(self) -> int:
        if self.has_filled:
            return BY_FILL
        entry = self.entry
        if entry is None or entry.is_working():
            return NO_TRIGGER
        return BY_REJECTED if entry.status == REJECTED else BY_CANCELLED

    def _exiting_trigger(self) -> int:
        if self.position is None:
            if self.has_live_entry():
                return NO_TRIGGER
            return BY_FILL if self.has_filled else BY_CANCELLED
        if self.lane.ts < self.exit_sent_ts + SECOND or self.is_leaving():
            return NO_TRIGGER
        return BY_REJECTED

    def evaluate(self) -> None:
        """Answer every condition as of the lane's time."""
        memory, lane = self.memory, self.lane
        values: Floats = memory.values
        known: Floats = lane.values
        slots: Ints = self.slots
        index = self.indicator_count
        for place in range(index):
            values[place] = known[slots[place]]
        if self.reads_position:
            self.put_own_values()
        if self.reads_session:
            session = self.session
            memory.values[index + 5] = float(session.trades_today)
            memory.values[index + 6] = session.loss_today_pct
            memory.values[index + 7] = float(session.broker.open_position_count)
        memory.evaluate(lane.ts)

    def put_own_values(self) -> None:
        """Give the conditions the values of signal and position as of the lane's time."""
        memory, lane, position, at = self.memory, self.lane, self.position, self.indicator_count
        ts = lane.ts
        for index in range(5):
            memory.values[at + index] = nan
        if self.signal_ts != NEVER:
            memory.values[at + 2] = float(ts - self.signal_ts) / 1e6
        if position is None:
            return
        memory.values[at + 1] = float(ts - position.opened_ts) / 1e6
        price = lane.bid() if position.is_long else lane.ask()
        if not price > 0.0:
            price = lane.last
        if price != price or lane.is_stale():
            return
        entry = position.entry
        sign = 1.0 if position.is_long else -1.0
        if (price - self.best_price) * sign > 0.0:
            self.best_price = price
        best = self.best_price
        memory.values[at] = (price - entry) / entry * 100.0 * sign
        memory.values[at + 3] = (best - price) / best * 100.0 * sign
        memory.values[at + 4] = (best - entry) / entry * 100.0 * sign

    def is_true(self, section: int) -> bool:
        """Return whether a section's answer is true."""
        root = self.roots[section]
        memory = self.memory
        return root >= 0 and memory.ints[root] == TRUE

    def capture(self, moment: Reason, section: int) -> None:
        """Keep what the conditions are now, so that readings and sentences can be made of it at any later time."""
        memory, lane = self.memory, self.lane
        moment.clear(SECTION)
        moment.ints[0] = self.index
        moment.ints[1] = section
        moment.ints[2] = memory.ts
        moment.ints[3] = lane.trade_ts
        moment.ints[4] = lane.quote_ts
        moment.ints[5] = lane.event_ts
        moment.ints[6] = (HAS_POSITION if self.position is not None else 0) + (IS_STALE if lane.is_stale() else 0)
        moment.ints[7] = lane.ts
        count = len(memory.ints)
        for index in range(count):
            moment.ints[MOMENT_HEAD + index] = memory.ints[index]
        moment.int_count = MOMENT_HEAD + count
        for index in range(self.kept_count):
            moment.floats[index] = memory.values[index]
        count = len(memory.floats)
        for index in range(count):
            moment.floats[self.kept_count + index] = memory.floats[index]
        moment.float_count = self.kept_count + count
        is_missing = False
        for index in range(self.indicator_count):
            if memory.values[index] != memory.values[index]:
                is_missing = True
        if is_missing:
            moment.text = self._missing_words()

    def _missing_words(self) -> str:
        values = self.memory.values
        missing = [index for index in range(self.indicator_count) if values[index] != values[index]]
        return "\n".join([f"{index} {self.lane.reason(self.slots[index])}" for index in missing])


def _signal_timeout_us(program: Program) -> int:
    cancel = program.definition.sections.O1
    if cancel is None:
        return DEFAULT_SIGNAL_TIMEOUT_US
    return NO_TIMEOUT if cancel.timeout is None else duration_us(cancel.timeout)
