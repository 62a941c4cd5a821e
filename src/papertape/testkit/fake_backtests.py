"""Backtests that end when a test says so: a runner for the port, and the desk's own `Backtests` on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal

from papertape.errors import Invalid, NotFound
from papertape.model.backtest import BacktestProgress, BacktestResult, BacktestTask
from papertape.session.backtests import BacktestLimits, BacktestRunner, Backtests
from papertape.session.library import Library
from papertape.testkit.memory_store import MemoryStore
from papertape.testkit.session_bench import MemoryFiles

RESULT = BacktestResult(
    strategies=("ema-cross",), instruments=("BTCUSDT.BINANCE",), profile="standard", fill_rule="no fill", entries=10,
    facts=2, first_ts=1, last_ts=2, signals=0, transitions=1, fills=0, round_trips=0, winners=0, fees=Decimal(0),
    realized_pnl=Decimal(0), initial_capital=Decimal(10_000), final_equity=Decimal(10_000), max_drawdown_pct=0.0,
    seconds=0.5, entries_per_s=20,
)  # fmt: skip


def fake_backtests(runner: BacktestRunner, clock: Callable[[], int], limits: BacktestLimits | None = None) -> Backtests:
    """Return backtests on a runner, with the built-in strategies and no session."""
    return Backtests(runner, Library(MemoryFiles()), MemoryStore(clock), clock, limits)


class FakeRunner:
    """Implements `BacktestRunner`: there is one import, `import:tape`, and every session's tape."""

    def __init__(self) -> None:
        self.running: list[FakeRun] = []
        self.ended: list[BacktestTask] = []

    def check(self, data: str) -> None:
        """Raise `Invalid` or `NotFound` for other data."""
        kind, _, name = data.partition(":")
        if kind not in ("import", "session"):
            raise Invalid(f"{data!r} is no data of this desk.", code="backtest.data", path="data")
        if kind == "import" and name != "tape":
            raise NotFound(f"There is no {name!r} among the imports.", code="backtest.no_import", path="data")

    async def run(self, task: BacktestTask, on_progress: Callable[[BacktestProgress], None]) -> BacktestResult:
        """Run until the test ends it."""
        run = FakeRun(task, on_progress)
        self.running.append(run)
        try:
            return await run.outcome
        finally:
            self.running.remove(run)
            self.ended.append(task)


class FakeRun:
    """One backtest that runs: set `outcome` to end it."""

    def __init__(self, task: BacktestTask, on_progress: Callable[[BacktestProgress], None]) -> None:
        self.task = task
        self.say = on_progress
        self.outcome: asyncio.Future[BacktestResult] = asyncio.get_running_loop().create_future()
