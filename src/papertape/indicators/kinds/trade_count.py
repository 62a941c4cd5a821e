"""Number of trades."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.indicators.kind import windowed
from papertape.indicators.measures import TradeMeasure
from papertape.indicators.windows import Span


class TradeCount(TradeMeasure):
    """Trades in the window; 0 without one."""

    __slots__ = ("window",)

    window: Span

    def __init__(self, t1: int, t2: int) -> None:
        TradeMeasure.__init__(self, t1)
        self.window = Span(t1, t2)
        self.watch(self.window)

    def _result(self) -> float:
        return float(self.window.hi - self.window.lo)


KIND = windowed(
    TradeCount,
    name="trade_count",
    meaning="Number of trades.",
    formula="count of the trades in (t1, t2)",
    unit="trades",
)
