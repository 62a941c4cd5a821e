"""Pace of trading."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.indicators.kind import windowed
from papertape.indicators.measures import TradeMeasure
from papertape.indicators.windows import Span


class TradeRate(TradeMeasure):
    """Trades a second; 0 without a trade."""

    __slots__ = ("window",)

    window: Span

    def __init__(self, t1: int, t2: int) -> None:
        TradeMeasure.__init__(self, t1)
        self.window = Span(t1, t2)
        self.watch(self.window)

    def _result(self) -> float:
        return float(self.window.hi - self.window.lo) * 1e6 / float(self.window.t1 - self.window.t2)


KIND = windowed(
    TradeRate,
    name="trade_rate",
    meaning="Trades a second.",
    formula="count / (t1 - t2) over the trades in (t1, t2)",
    unit="trades/s",
)
