"""Size of a trade."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from math import nan

from papertape.indicators.kind import windowed
from papertape.indicators.measures import TradeMeasure, no_trades
from papertape.indicators.windows import SumSpan


class AverageTradeSize(TradeMeasure):
    """The mean size of the window's trades."""

    __slots__ = ("window",)

    window: SumSpan

    def __init__(self, t1: int, t2: int) -> None:
        TradeMeasure.__init__(self, t1)
        self.window = SumSpan(t1, t2)
        self.watch(self.window)

    def _result(self) -> float:
        count = self.window.count()
        return float(self.window.volume) / (float(count) * self.prints.size_scale) if count else nan

    def _why(self) -> str:
        return no_trades(self.window) if self.window.count() == 0 else ""


KIND = windowed(
    AverageTradeSize,
    name="avg_trade_size",
    meaning="Mean size of a trade.",
    formula="sum(size) / count over the trades in (t1, t2)",
    unit="base",
)
