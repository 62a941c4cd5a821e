"""The oldest traded price of a window."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from math import nan

from papertape.indicators.kind import windowed
from papertape.indicators.measures import TradeMeasure, no_trades
from papertape.indicators.windows import Span


class FirstPrice(TradeMeasure):
    """The price of the oldest trade of the window."""

    __slots__ = ("window",)

    window: Span

    def __init__(self, t1: int, t2: int) -> None:
        TradeMeasure.__init__(self, t1)
        self.window = Span(t1, t2)
        self.watch(self.window)

    def _result(self) -> float:
        return float(self.window.first()) / self.prints.price_scale if self.window.count() else nan

    def _why(self) -> str:
        return no_trades(self.window) if self.window.count() == 0 else ""


KIND = windowed(
    FirstPrice,
    name="first_price",
    meaning="The oldest traded price of the window.",
    formula="price of the oldest trade in (t1, t2)",
    unit="quote",
)
