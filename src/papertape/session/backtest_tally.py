"""Counts what the facts of a backtest come to, without keeping them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from papertape.errors import Broken
from papertape.model.backtest import BacktestSummary
from papertape.model.events import (
    AnyEvent,
    EquityMarked,
    InstanceTransitioned,
    OrderFilled,
    PositionChanged,
    SignalFired,
)
from papertape.session.core import SessionCore


class BacktestTally:
    """What the facts so far came to."""

    def __init__(self) -> None:
        self.facts = 0
        self._first_ts: int | None = None
        self._signals = 0
        self._transitions = 0
        self._fills = 0
        self._round_trips = 0
        self._winners = 0
        self._fees = Decimal(0)
        self._max_drawdown_pct = 0.0
        self._rules: set[str] = set()

    def take(self, facts: Sequence[AnyEvent]) -> None:
        """Take the next facts."""
        self.facts += len(facts)
        if facts and self._first_ts is None:
            self._first_ts = facts[0].ts
        for fact in facts:
            if isinstance(fact, EquityMarked):
                self._max_drawdown_pct = max(self._max_drawdown_pct, fact.drawdown_pct)
            elif isinstance(fact, OrderFilled):
                self._fills += 1
                self._fees += fact.fee
                self._rules.add(fact.evidence.rule)
            elif isinstance(fact, PositionChanged):
                self._round_trips += fact.status == "closed"
                self._winners += fact.status == "closed" and fact.realized_pnl > 0
            elif isinstance(fact, SignalFired):
                self._signals += 1
            elif isinstance(fact, InstanceTransitioned):
                self._transitions += 1

    def summary(self, core: SessionCore) -> BacktestSummary:
        """Return what it came to; raises `Broken` when no entry was fed."""
        if core.tape.last_seq == 0:
            raise Broken("The backtest saw no market data; check the file and the symbols.", code="backtest.no_data")
        equity = core.engine.equity()
        plan = core.plan
        return BacktestSummary(
            strategies=tuple(version.name for version in plan.strategies),
            instruments=tuple(instrument.id for instrument in plan.instruments),
            profile=plan.profile.name,
            fill_rule=", ".join(sorted(self._rules)) or "no fill",
            entries=core.tape.last_seq,
            facts=self.facts,
            first_ts=core.tape.last_ts if self._first_ts is None else self._first_ts,
            last_ts=core.tape.last_ts,
            signals=self._signals,
            transitions=self._transitions,
            fills=self._fills,
            round_trips=self._round_trips,
            winners=self._winners,
            fees=self._fees,
            realized_pnl=equity.realized_pnl,
            initial_capital=plan.capital,
            final_equity=equity.equity,
            max_drawdown_pct=self._max_drawdown_pct,
        )
