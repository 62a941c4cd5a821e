"""Moves instances: at one entry at most one transition each, by priority E1, order and fill events, ZE1, O1, Z1, S1."""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.broker.broker import Broker
from papertape.broker.lifecycle import EMERGENCY_EXIT, EXIT
from papertape.engine.alerts import write_alert
from papertape.engine.codes import (
    BY_COMMAND,
    BY_COOLDOWN_OVER,
    BY_E1,
    BY_ERROR,
    BY_FILL,
    BY_O1,
    BY_REJECTED,
    BY_RISK,
    BY_S1,
    BY_STOP,
    BY_TARGET,
    BY_TIMEOUT,
    BY_Z1,
    BY_ZE1,
    CANCEL_ENTRY,
    CLOSE_POSITION,
    COOLDOWN,
    E1,
    ENTERING,
    ERROR,
    EXITING,
    FILLED,
    FLAT,
    MONITORING,
    NEVER,
    NO_MOVE,
    NO_SECTION,
    NO_TRIGGER,
    O1,
    POSITION_ACTIVE,
    RESTED,
    S1,
    SIGNAL_DETECTED,
    START_COOLDOWN,
    STATES,
    STOPPED,
    SUBMIT_ENTRY,
    TARGETED,
    TIMED_OUT,
    TO_STATE,
    TRIGGER_COUNT,
    TRIGGERS,
    Z1,
    ZE1,
    moves,
)
from papertape.engine.entry_order import EntryDesk
from papertape.engine.instance import NO_TIMEOUT, Instance
from papertape.engine.lane import Lane
from papertape.engine.reasons import exit_problem, order_trouble
from papertape.engine.session_state import SessionState
from papertape.errors import Broken
from papertape.indicators.run import Run
from papertape.model.buffers import Ints
from papertape.model.fact_log import NO_REASON, SIGNAL, TRANSITION, FactLog, Reason
from papertape.strategy.evaluate import TRUE
from papertape.strategy.machine import transition
from papertape.strategy.program import Program
from papertape.strategy.risk import EntryTerms, Refusal

MAX_EXIT_ATTEMPTS = 20
"""After so many exits that did not complete, one a second, an instance is in ERROR and a trader is called."""

ACCEPTED = -1
"""The outcome of a signal that was followed; others are words."""


class Stepper:
    """Turns answers and venue events into transitions, and transitions into orders."""

    __slots__ = ("broker", "desk", "log", "moves", "session")
    broker: Broker
    log: FactLog
    session: SessionState
    desk: EntryDesk
    moves: Ints

    def __init__(self, broker: Broker, log: FactLog, session: SessionState, desk: EntryDesk) -> None:
        self.broker = broker
        self.log = log
        self.session = session
        self.desk = desk
        self.moves = moves()

    def step(self, instance: Instance) -> None:
        """Make the transition that follows from an instance's answers as just evaluated, if any."""
        state = instance.state
        if state == MONITORING:
            if instance.is_true(S1):
                self._found(instance)
        elif state in (POSITION_ACTIVE, ENTERING):
            self._while_held(instance)
        elif state == SIGNAL_DETECTED:
            self._while_signal_detected(instance)
        elif state == EXITING:
            self._while_exiting(instance)
        elif state == COOLDOWN:
            self._while_cooldown(instance)
        else:
            instance.was_s1_true = False

    def command(self, instance: Instance, reason: str, purpose: int) -> None:
        """Leave by command whatever an instance is in: drop a signal, cancel an entry, close a position."""
        state = instance.state
        if state in (SIGNAL_DETECTED, ENTERING, POSITION_ACTIVE) or (state == ERROR and instance.position is not None):
            instance.capture(instance.seen, NO_SECTION)
            instance.why.say(reason)
            self._move(instance, BY_COMMAND, NO_SECTION, instance.seen, instance.why, purpose)

    def _found(self, instance: Instance) -> None:
        seen = instance.seen
        instance.capture(seen, S1)
        self._fire(instance, S1, seen)
        instance.signal_ts = self.log.ts
        instance.forget_entry()
        self._move(instance, BY_S1, S1, seen, seen, EXIT)

    def _while_signal_detected(self, instance: Instance) -> None:
        seen = instance.seen
        if instance.is_true(O1):
            instance.capture(seen, O1)
            self._fire(instance, O1, seen)
            self._move(instance, BY_O1, O1, seen, seen, EXIT)
        elif self.log.ts - instance.since >= instance.timeout_us:
            instance.why.clear(TIMED_OUT)
            instance.why.put_int(instance.timeout_us)
            self._move_for(instance, BY_TIMEOUT)
        elif instance.is_true(Z1):
            self._enter(instance)
        else:
            instance.refused = None

    def _while_held(self, instance: Instance) -> None:
        by_venue = instance.venue_trigger()
        if instance.is_true(E1) and (instance.position is not None or instance.has_live_entry()):
            self._leave(instance, E1, BY_E1, EMERGENCY_EXIT)
        elif by_venue != NO_TRIGGER:
            self._move_by_venue(instance, by_venue)
        elif instance.state == POSITION_ACTIVE:
            if instance.position is None:
                raise Broken(
                    f"{instance.key} is POSITION_ACTIVE without a position and without a stop or target that closed "
                    "it; keep the journal and report it.",
                    code="engine.position_lost",
                )
            if instance.is_true(ZE1):
                self._leave(instance, ZE1, BY_ZE1, EXIT)

    def _while_exiting(self, instance: Instance) -> None:
        by_venue = instance.venue_trigger()
        if by_venue == BY_REJECTED and instance.exit_attempts >= MAX_EXIT_ATTEMPTS:
            self._fail(instance)
        elif by_venue != NO_TRIGGER:
            self._move_by_venue(instance, by_venue)

    def _while_cooldown(self, instance: Instance) -> None:
        if self.log.ts >= instance.cooldown_until:
            instance.why.clear(RESTED)
            self._move_for(instance, BY_COOLDOWN_OVER)
        elif instance.is_true(S1):
            if not instance.has_told_cooldown and not instance.was_s1_true:
                instance.has_told_cooldown = True
                instance.capture(instance.told, S1)
                self._tell(instance, S1, "instance.cooldown", "The instance rests; the signal is not followed.")
            instance.was_s1_true = True
        else:
            instance.was_s1_true = False

    def _leave(self, instance: Instance, section: int, trigger: int, purpose: int) -> None:
        moment = instance.going_out
        instance.capture(moment, section)
        self._fire(instance, section, moment)
        self._move(instance, trigger, section, moment, moment, purpose)

    def _enter(self, instance: Instance) -> None:
        session = self.session
        paused = "" if session.may_enter() else session.paused_because() or ""
        code = self.desk.judge(
            instance, instance.terms, self.log.ts, paused, session.trades_today, session.loss_today_pct
        )
        if code:
            self._refuse(instance, self.desk.refusal(code))
            return
        moment = instance.going_in
        instance.capture(moment, Z1)
        instance.refused = None
        self._fire(instance, Z1, moment)
        self._move(instance, BY_Z1, Z1, moment, moment, EXIT)

    def _refuse(self, instance: Instance, refusal: Refusal) -> None:
        # told once per reason; a refusal that waiting can cure is judged again at every entry while Z1 stays true
        if instance.refused is None or instance.refused.code != refusal.code:
            instance.capture(instance.told, Z1)
            self._tell(instance, Z1, refusal.code, refusal.sentence)
        instance.refused = refusal
        if refusal.is_final:
            instance.capture(instance.seen, Z1)
            instance.why.say(refusal.sentence)
            self._move(instance, BY_RISK, Z1, instance.seen, instance.why, EXIT)

    def _fail(self, instance: Instance) -> None:
        reason = f"The exit did not complete after {MAX_EXIT_ATTEMPTS} attempts: {exit_problem(instance)}"
        instance.why.say(reason)
        self._move_for(instance, BY_ERROR)
        message = f"{instance.key} still holds a position. {reason} Close it by hand or stop the session."
        market = instance.lane.instrument.id
        write_alert(self.log, "instance.exit_failed", "critical", message, "machine", market)

    def _move_by_venue(self, instance: Instance, trigger: int) -> None:
        why = instance.why
        position = instance.position
        if trigger == BY_FILL and instance.state == ENTERING:
            why.clear(FILLED)
            why.put_int(0 if position is None else 1)
            if position is not None:
                why.put_int(1 if position.is_long else 0)
                why.put_int(position.quantity)
                why.put_exact(position.cost)
        elif trigger in (BY_FILL, BY_STOP, BY_TARGET):
            why.clear(FLAT if trigger == BY_FILL else STOPPED if trigger == BY_STOP else TARGETED)
            why.put_int(1 if instance.has_pnl else 0)
            why.put_exact(instance.last_pnl)
        else:
            why.say(order_trouble(instance, trigger))
        self._move_for(instance, trigger)

    def _move_for(self, instance: Instance, trigger: int) -> None:
        instance.capture(instance.seen, NO_SECTION)
        self._move(instance, trigger, NO_SECTION, instance.seen, instance.why, EXIT)

    def _fire(self, instance: Instance, section: int, moment: Reason) -> None:
        self._signal(instance, section, self.log.place(moment), NO_REASON, "")

    def _tell(self, instance: Instance, section: int, outcome: str, reason: str) -> None:
        words = Reason(reason)
        place = self.log.place(instance.told)
        self._signal(instance, section, place, self.log.place(words), outcome)

    def _signal(self, instance: Instance, section: int, moment: int, reason: int, outcome: str) -> None:
        log = self.log
        log.open(SIGNAL)
        at = log.room(5)
        log.ints[at] = instance.index
        log.ints[at + 1] = section
        log.ints[at + 2] = 1 if instance.is_long != (section in (ZE1, E1)) else 0
        log.ints[at + 3] = moment
        log.ints[at + 4] = reason
        log.int_count = at + 5
        if outcome:
            log.put_text(outcome)
        else:
            log.put_int(ACCEPTED)
        log.put_float(instance.lane.last)

    def _move(
        self, instance: Instance, trigger: int, section: int, moment: Reason, reason: Reason, purpose: int
    ) -> None:
        state = instance.state
        move = self.moves[state * TRIGGER_COUNT + trigger]
        if move == NO_MOVE:
            transition(STATES[state], TRIGGERS[trigger])  # raises Broken
        log = self.log
        moment_place, reason_place = log.place(moment), log.place(reason)
        log.open(TRANSITION)
        at = log.room(7)
        log.ints[at] = instance.index
        log.ints[at + 1] = state
        log.ints[at + 2] = move & TO_STATE
        log.ints[at + 3] = trigger
        log.ints[at + 4] = section
        log.ints[at + 5] = moment_place
        log.ints[at + 6] = reason_place
        log.int_count = at + 7
        log.put_float(instance.lane.last)
        instance.last_seq = log.last_seq
        instance.last_ts = log.ts
        instance.last_from = state
        instance.last_to = move & TO_STATE
        instance.last_trigger = trigger
        instance.last_reason = reason
        if move & TO_STATE != state:
            instance.state = move & TO_STATE
            instance.since = log.ts
            instance.was_s1_true = False
        if move > TO_STATE:
            self._act(instance, move, reason, purpose)

    def _act(self, instance: Instance, actions: int, reason: Reason, purpose: int) -> None:
        if actions & SUBMIT_ENTRY:
            self.desk.send(instance, instance.terms, reason, self.log.ts)
        if actions & CANCEL_ENTRY:
            entry = instance.entry
            if entry is not None and entry.is_working():
                self.broker.cancel(entry, self.log.ts, reason)
        if actions & CLOSE_POSITION and instance.position is not None:
            instance.exit_sent_ts = self.log.ts
            instance.exit_attempts += 1
            self.broker.close(instance, self.log.ts, purpose, reason)
        if actions & START_COOLDOWN:
            self._rest(instance)

    def _rest(self, instance: Instance) -> None:
        length = instance.rest_after_cancel_us
        if instance.has_pnl:
            length = instance.rest_after_loss_us if instance.last_pnl < 0 else instance.rest_after_exit_us
        instance.cooldown_until = self.log.ts + length
        instance.has_told_cooldown = False
        instance.signal_ts = NEVER
        instance.refused = None
        instance.was_s1_true = instance.is_true(S1)


class Actor(Instance):
    """An instance that moves by itself when its lane tells it to think."""

    __slots__ = ("stepper",)
    stepper: Stepper

    def __init__(
        self, program: Program, lane: Lane, session: SessionState, terms: EntryTerms, stepper: Stepper
    ) -> None:
        Instance.__init__(self, program, lane, session, terms)
        self.stepper = stepper

    def think(self) -> None:
        """Evaluate every condition and make the transition that follows, if any."""
        self.evaluate()
        self.act()

    def act(self) -> None:
        """Make the transition that follows from its conditions as just evaluated, if any."""
        if self.state == MONITORING:
            memory = self.memory
            if self.s1_root >= 0 and memory.ints[self.s1_root] == TRUE:
                self.stepper.step(self)
        else:
            self.stepper.step(self)

    def is_free(self) -> bool:
        """Return whether nothing but its indicators and the time can move it, as long as its orders meet nothing."""
        if self.reads_session or self.state == EXITING or self.was_s1_true or self.refused is not None:
            return False
        if self.reads_position:
            if self.position is not None or self.signal_ts != NEVER:
                return False
            self.put_own_values()
        if self.state == POSITION_ACTIVE and self.position is None:
            return False
        return self.venue_trigger() == NO_TRIGGER

    def run_ahead(self, run: Run, first: int, until: int) -> int:
        """Think about the events of a run from `first` to before `until`, up to the first at which it may move.

        It must be free. Returns the place of that event, `until` when there is none.
        """
        one = other = -1
        end_ts = NO_TIMEOUT
        if self.state == MONITORING:
            one = self.roots[S1]
        elif self.state == SIGNAL_DETECTED:
            one, other = self.roots[O1], self.roots[Z1]
            end_ts = self.since + self.timeout_us
        elif self.state == COOLDOWN:
            one, end_ts = self.roots[S1], self.cooldown_until
        elif self.state in (POSITION_ACTIVE, ENTERING):
            one, other = self.roots[E1], self.roots[ZE1]
        return self.memory.run(run, self.slots, self.indicator_count, first, until, one, other, end_ts)
