"""Change from the window's oldest price to its newest."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from math import nan

from papertape.indicators.kind import windowed
from papertape.indicators.measures import ZERO_PRICE, TradeMeasure, no_trades, percent_change
from papertape.indicators.windows import Span


class PriceChange(TradeMeasure):
    """Percent from the first to the last price traded in the window; 0 for a single trade."""

    __slots__ = ("window",)

    window: Span

    def __init__(self, t1: int, t2: int) -> None:
        TradeMeasure.__init__(self, t1)
        self.window = Span(t1, t2)
        self.watch(self.window)

    def _result(self) -> float:
        if self.window.count() == 0:
            return nan
        return percent_change(float(self.window.last()), float(self.window.first()))

    def _why(self) -> str:
        return ZERO_PRICE if self.window.count() else no_trades(self.window)


KIND = windowed(
    PriceChange,
    name="price_change_pct",
    meaning="Price change over the window.",
    formula="(last - first) / first * 100 over the prices traded in (t1, t2)",
    unit="%",
)
