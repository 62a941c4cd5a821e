"""Volume-weighted average price."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from math import nan

from papertape.indicators.kind import windowed
from papertape.indicators.measures import TradeMeasure, no_trades, window_words
from papertape.indicators.windows import SumSpan


class Vwap(TradeMeasure):
    """The average price of the window, each trade weighted by its size."""

    __slots__ = ("window",)

    window: SumSpan

    def __init__(self, t1: int, t2: int) -> None:
        TradeMeasure.__init__(self, t1)
        self.window = SumSpan(t1, t2, True)
        self.watch(self.window)

    def _result(self) -> float:
        window = self.window
        if window.volume <= 0:
            return nan
        return float(window.turnover) / (float(window.volume) * self.prints.price_scale)

    def _why(self) -> str:
        return f"no volume {window_words(self.window)}" if self.window.count() else no_trades(self.window)


KIND = windowed(
    Vwap,
    name="vwap",
    meaning="Average price of the window, weighted by volume.",
    formula="sum(price * size) / sum(size) over the trades in (t1, t2)",
    unit="quote",
    t1=300.0,
)
