"""The lowest traded price of a window."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from math import nan

from papertape.indicators.kind import windowed
from papertape.indicators.measures import TradeMeasure, no_trades
from papertape.indicators.windows import ExtremeSpan


class MinPrice(TradeMeasure):
    """The lowest price of the window."""

    __slots__ = ("window",)

    window: ExtremeSpan

    def __init__(self, t1: int, t2: int) -> None:
        TradeMeasure.__init__(self, t1)
        self.window = ExtremeSpan(1, t1, t2)
        self.watch(self.window)

    def _result(self) -> float:
        return float(self.window.first()) / self.prints.price_scale if self.window.count() else nan

    def _why(self) -> str:
        return no_trades(self.window) if self.window.count() == 0 else ""


KIND = windowed(
    MinPrice,
    name="min_price",
    meaning="The lowest price of the window.",
    formula="min(price) over the trades in (t1, t2)",
    unit="quote",
)
