"""What a run came to, from its tally and its account."""

from __future__ import annotations

from papertape.broker.broker import Broker
from papertape.broker.matching import RULES
from papertape.broker.money import fee_decimal
from papertape.broker.views import equity_view
from papertape.engine.tally import NEVER, Tally
from papertape.errors import Broken
from papertape.model.backtest import BacktestSummary
from papertape.model.fact_log import FactLog
from papertape.model.session import SessionPlan


def summary_of(plan: SessionPlan, broker: Broker, log: FactLog, tally: Tally) -> BacktestSummary:
    """Return the summary of a run; raises `Broken` when it took no entry."""
    if log.entry_seq == 0:
        raise Broken("The backtest saw no market data; check the file and the symbols.", code="backtest.no_data")
    equity = equity_view(broker, log.ts)
    rules = [rule for number, rule in enumerate(RULES) if tally.rules >> number & 1]
    return BacktestSummary(
        strategies=tuple(version.name for version in plan.strategies),
        instruments=tuple(instrument.id for instrument in plan.instruments),
        profile=plan.profile.name,
        fill_rule=", ".join(sorted(rules)) or "no fill",
        entries=log.entry_seq,
        facts=tally.facts,
        first_ts=log.ts if tally.first_ts == NEVER else tally.first_ts,
        last_ts=log.ts,
        signals=tally.signals,
        transitions=tally.transitions,
        fills=tally.fills,
        round_trips=tally.round_trips,
        winners=tally.winners,
        fees=fee_decimal(tally.fees, broker.money_decimals),
        realized_pnl=equity.realized_pnl,
        initial_capital=plan.capital,
        final_equity=equity.equity,
        max_drawdown_pct=tally.max_drawdown_pct,
    )
