"""Moves instances: at one entry at most one transition each, by priority E1, order and fill events, ZE1, O1, Z1, S1."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from papertape.broker import Broker, Draft
from papertape.engine.entry_order import EntryDesk
from papertape.engine.facts import Facts
from papertape.engine.instance import Instance
from papertape.engine.reasons import section_reason, venue_reason
from papertape.engine.session_state import SessionState
from papertape.errors import Broken
from papertape.model.entries import Side
from papertape.model.events import (
    AccountChanged,
    AlertRaised,
    ConditionReading,
    InstanceState,
    InstanceTransitioned,
    OrderPurpose,
    SectionCode,
    SignalFired,
    Trigger,
)
from papertape.model.instrument import InstrumentId
from papertape.model.orders import OrderIntent
from papertape.model.views import LastTransition
from papertape.strategy.check import SECTION_NAMES
from papertape.strategy.durations import duration_text, duration_us
from papertape.strategy.machine import Action, transition
from papertape.strategy.risk import Refusal

MAX_EXIT_ATTEMPTS = 20
"""After so many exits that did not complete, one a second, an instance is in ERROR and a trader is called."""


class Stepper:
    """Turns answers and venue events into transitions, and transitions into orders."""

    def __init__(
        self, broker: Broker, facts: Facts, session: SessionState, desk: EntryDesk, instances: Sequence[Instance]
    ) -> None:
        self._broker = broker
        self._facts = facts
        self._session = session
        self._desk = desk
        self._by_key = {(instance.strategy, instance.lane.instrument.id): instance for instance in instances}
        self._watch: dict[InstanceState, Callable[[Instance], None]] = {
            "MONITORING": self._while_monitoring,
            "SIGNAL_DETECTED": self._while_signal_detected,
            "ENTERING": self._while_held,
            "POSITION_ACTIVE": self._while_held,
            "EXITING": self._while_exiting,
            "COOLDOWN": self._while_cooldown,
            "ERROR": self._while_error,
        }

    def step(self, instance: Instance) -> None:
        """Evaluate an instance as of its lane's time and make the transition that follows, if any."""
        session = self._session
        instance.evaluate(
            (float(session.trades_today), session.loss_today_pct, float(self._broker.open_position_count)),
            instance.lane.touch(self._broker),
        )
        self._watch[instance.state](instance)

    def take(self, drafts: Sequence[Draft]) -> None:
        """Number what the venue did and tell it to the instances concerned."""
        for draft in drafts:
            self._facts.add(draft)
            if isinstance(draft, AccountChanged):
                continue
            if self._instance(draft.strategy, draft.instrument).note(draft):
                self._session.trades_today += 1

    def command(self, instance: Instance, reason: str, purpose: OrderPurpose) -> None:
        """Leave by command whatever an instance is in: drop a signal, cancel an entry, close a position."""
        if instance.state in ("SIGNAL_DETECTED", "ENTERING", "POSITION_ACTIVE") or (
            instance.state == "ERROR" and instance.position is not None
        ):
            self._move(instance, "command", reason, purpose=purpose)

    def _instance(self, strategy: str, instrument: InstrumentId) -> Instance:
        found = self._by_key.get((strategy, instrument))
        if found is None:
            raise Broken(
                f"The venue reported an order of {strategy} on {instrument}, which is no instance of this session; "
                "keep the journal and report it.",
                code="engine.unknown_instance",
            )
        return found

    def _while_monitoring(self, instance: Instance) -> None:
        if instance.is_true("S1"):
            self._fire(instance, "S1", "accepted")
            instance.signal_ts = self._facts.ts
            instance.forget_entry()
            self._move(instance, "S1", section_reason(instance, "S1"), section="S1")

    def _while_signal_detected(self, instance: Instance) -> None:
        if instance.is_true("O1"):
            self._fire(instance, "O1", "accepted")
            self._move(instance, "O1", section_reason(instance, "O1"), section="O1")
        elif instance.timeout_us is not None and self._facts.ts >= instance.since + instance.timeout_us:
            waited = duration_text(instance.timeout_us)
            self._move(instance, "timeout", f"The signal was dropped: no entry was found within {waited}.")
        elif instance.is_true("Z1"):
            self._enter(instance)
        else:
            instance.refused = None

    def _while_held(self, instance: Instance) -> None:
        by_venue = instance.venue_trigger()
        if instance.is_true("E1") and (instance.position is not None or instance.has_live_entry):
            self._leave(instance, "E1", "emergency_exit")
        elif by_venue is not None:
            self._move(instance, by_venue, venue_reason(instance, by_venue))
        elif instance.state == "POSITION_ACTIVE" and instance.position is None:
            raise Broken(
                f"{instance.key} is POSITION_ACTIVE without a position and without a stop or target that closed it; "
                "keep the journal and report it.",
                code="engine.position_lost",
            )
        elif instance.is_watched("ZE1") and instance.is_true("ZE1"):
            self._leave(instance, "ZE1", "exit")

    def _while_exiting(self, instance: Instance) -> None:
        by_venue = instance.venue_trigger()
        if by_venue == "rejected" and instance.exit_attempts >= MAX_EXIT_ATTEMPTS:
            self._fail(instance)
        elif by_venue is not None:
            self._move(instance, by_venue, venue_reason(instance, by_venue))

    def _while_cooldown(self, instance: Instance) -> None:
        if self._facts.ts >= instance.cooldown_until:
            self._move(instance, "cooldown_over", "The rest is over; watching again.")
        elif instance.is_true("S1"):
            if not instance.has_told_cooldown and "S1" not in instance.was_true:
                instance.has_told_cooldown = True
                self._fire(instance, "S1", "instance.cooldown", "The instance rests; the signal is not followed.")
            instance.was_true.add("S1")
        else:
            instance.was_true.discard("S1")

    def _while_error(self, instance: Instance) -> None:
        instance.was_true.clear()

    def _leave(self, instance: Instance, section: SectionCode, purpose: OrderPurpose) -> None:
        self._fire(instance, section, "accepted")
        trigger: Trigger = "E1" if section == "E1" else "ZE1"
        self._move(instance, trigger, section_reason(instance, section), section=section, purpose=purpose)

    def _enter(self, instance: Instance) -> None:
        reason = section_reason(instance, "Z1")
        intent = self._desk.intent(instance, reason)
        if isinstance(intent, OrderIntent):
            instance.refused = None
            self._fire(instance, "Z1", "accepted")
            self._move(instance, "Z1", reason, section="Z1", intent=intent)
            return
        self._refuse(instance, intent)

    def _refuse(self, instance: Instance, refusal: Refusal) -> None:
        # told once per reason; a refusal that waiting can cure is judged again at every entry while Z1 stays true
        if instance.refused is None or instance.refused[0] != refusal.code:
            self._fire(instance, "Z1", refusal.code, refusal.sentence)
        instance.refused = (refusal.code, refusal.sentence)
        if refusal.is_final:
            self._move(instance, "risk", refusal.sentence, section="Z1")

    def _fail(self, instance: Instance) -> None:
        reason = f"The exit did not complete after {MAX_EXIT_ATTEMPTS} attempts: {instance.exit_problem}"
        self._move(instance, "error", reason)
        self._facts.add(
            AlertRaised(
                **self._facts.head(),
                code="instance.exit_failed",
                severity="critical",
                message=f"{instance.key} still holds a position. {reason} Close it by hand or stop the session.",
                stage="machine",
                instrument=instance.lane.instrument.id,
            )
        )

    def _fire(self, instance: Instance, section: SectionCode, outcome: str, reason: str | None = None) -> None:
        is_closing = section in ("ZE1", "E1")
        side: Side = "buy" if instance.is_long != is_closing else "sell"
        self._facts.add(
            SignalFired(
                **self._facts.head(),
                strategy=instance.strategy,
                instrument=instance.lane.instrument.id,
                section=section,
                side=side,
                price=instance.lane.last,
                outcome=outcome,
                reason=reason or section_reason(instance, section),
                trace=instance.monitor.readings(section),
            )
        )

    def _move(
        self,
        instance: Instance,
        trigger: Trigger,
        reason: str,
        *,
        section: SectionCode | None = None,
        purpose: OrderPurpose = "exit",
        intent: OrderIntent | None = None,
    ) -> None:
        move = transition(instance.state, trigger)
        fact = InstanceTransitioned(
            **self._facts.head(),
            strategy=instance.strategy,
            instrument=instance.lane.instrument.id,
            from_state=instance.state,
            to_state=move.to_state,
            trigger=trigger,
            section=section,
            reason=reason,
            price=instance.lane.last,
            trace=_trace(instance),
        )
        self._facts.add(fact)
        instance.last_transition = LastTransition(
            seq=fact.seq,
            ts=fact.ts,
            from_state=fact.from_state,
            to_state=fact.to_state,
            trigger=trigger,
            reason=reason,
        )
        if move.to_state != instance.state:
            instance.state, instance.since = move.to_state, fact.ts
            instance.was_true.clear()
        for action in move.actions:
            self._act(instance, action, reason, purpose, intent)

    def _act(
        self, instance: Instance, action: Action, reason: str, purpose: OrderPurpose, intent: OrderIntent | None
    ) -> None:
        ts = self._facts.ts
        if action == "submit_entry" and intent is not None:
            instance.bound = self._desk.notional(instance, intent.quantity)
            self.take(self._broker.submit(intent, ts)[1])
        elif action == "cancel_entry":
            if instance.entry is not None and instance.has_live_entry:
                self.take(self._broker.cancel(instance.entry.order_id, ts, reason))
        elif action == "close_position":
            if instance.position is not None:
                instance.exit_sent_ts = ts
                instance.exit_attempts += 1
                self.take(self._broker.close(instance.strategy, instance.lane.instrument.id, ts, purpose, reason))
        elif action == "start_cooldown":
            _start_cooldown(instance, ts)


def _trace(instance: Instance) -> tuple[ConditionReading, ...]:
    return tuple(reading for code in SECTION_NAMES for reading in instance.monitor.readings(code))


def _start_cooldown(instance: Instance, ts: int) -> None:
    cooldown = instance.program.definition.cooldown
    length = cooldown.after_cancel
    if instance.last_pnl is not None:
        length = cooldown.after_exit
        if instance.last_pnl < 0 and cooldown.after_loss is not None:
            length = cooldown.after_loss
    instance.cooldown_until = ts + duration_us(length)
    instance.has_told_cooldown = False
    instance.signal_ts = None
    instance.refused = None
    instance.was_true = {"S1"} if instance.is_true("S1") else set()
