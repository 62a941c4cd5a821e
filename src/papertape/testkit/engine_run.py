"""An engine with its tape, for tests that speak in market events and look at facts."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from papertape.engine.engine import Engine
from papertape.model.entries import Batch, ClockTick, Entry
from papertape.model.events import (
    AnyEvent,
    EquityMarked,
    InstanceTransitioned,
    OrderFilled,
    OrderUpdated,
    PositionChanged,
    SignalFired,
)
from papertape.model.instrument import Instrument
from papertape.model.session import SessionPlan, SimulationProfile
from papertape.strategy.parse import parse_definition, version_of
from papertape.testkit.venue import PERPETUAL

START_TS = 1_766_854_800_000_000
"""2025-12-27 17:00:00 UTC in microseconds."""


def session_plan(
    *texts: str,
    instruments: Sequence[Instrument] = (PERPETUAL,),
    capital: str = "10000",
    **profile: Any,  # the profile's own fields, checked by msgspec
) -> SessionPlan:
    """Return the plan of a session that runs these definitions (YAML)."""
    definitions = [parse_definition(text) for text in texts]
    return SessionPlan(
        mode="PAPER",
        strategies=tuple(version_of(one) for one in definitions),
        instruments=tuple(instruments),
        capital=Decimal(capital),
        currency="USDT",
        profile=SimulationProfile(**profile),
    )


def clock(ts: int) -> ClockTick:
    """Return a clock tick."""
    return ClockTick(ts=ts, recv_ts=ts)


class EngineRun:
    """Feeds an engine and numbers the entries. `facts` are all so far, `engine` is open to look at."""

    def __init__(self, plan: SessionPlan) -> None:
        self.engine = Engine(plan)
        self.facts: list[AnyEvent] = []

    def feed(self, *entries: Entry, is_warmup: bool = False) -> list[AnyEvent]:
        """Step the engine over one batch and return its facts."""
        batch = Batch(first_seq=self.engine.last_entry_seq + 1, entries=tuple(entries), is_warmup=is_warmup)
        facts = self.engine.step(batch)
        self.facts += facts
        return facts


def told(facts: Sequence[AnyEvent]) -> list[str]:
    """Return facts in short, marks of the account left out: what a reader needs to follow the story."""
    return [_short(fact) for fact in facts if not isinstance(fact, EquityMarked)]


def _short(fact: AnyEvent) -> str:
    if isinstance(fact, InstanceTransitioned):
        return f"{fact.from_state} -> {fact.to_state} by {fact.trigger}"
    if isinstance(fact, SignalFired):
        return f"signal {fact.section} {fact.side} {fact.outcome}"
    if isinstance(fact, OrderUpdated):
        return f"order {fact.purpose} {fact.side} {fact.status}"
    if isinstance(fact, OrderFilled):
        return f"fill {fact.purpose} {fact.side} {fact.quantity} at {fact.price}"
    if isinstance(fact, PositionChanged):
        return f"position {fact.side} {fact.status}"
    return type(fact).__name__
