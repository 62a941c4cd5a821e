"""How unequal trades are."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from math import nan

from papertape.indicators.kind import windowed
from papertape.indicators.measures import TradeMeasure, window_words
from papertape.indicators.moments import MomentSpan


class TradeSizeVolatility(TradeMeasure):
    """Standard deviation of the window's trade sizes over their mean."""

    __slots__ = ("window",)

    window: MomentSpan

    def __init__(self, t1: int, t2: int) -> None:
        TradeMeasure.__init__(self, t1)
        self.window = MomentSpan(False, t1, t2)
        self.watch(self.window)

    def _result(self) -> float:
        return self.window.deviation() / self.window.mean() if self.window.total > 0 else nan

    def _why(self) -> str:
        return f"no volume {window_words(self.window)}"


KIND = windowed(
    TradeSizeVolatility,
    name="trade_size_volatility",
    meaning="How unequal the sizes of trades are: 0 all equal.",
    formula="population standard deviation of size / mean size over the trades in (t1, t2)",
    unit="ratio",
)
