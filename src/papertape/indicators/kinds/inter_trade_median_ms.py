"""Usual time between trades."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from math import nan

from papertape.indicators.kind import windowed
from papertape.indicators.measures import TradeMeasure, window_words
from papertape.indicators.median import MedianSpan


class InterTradeMedian(TradeMeasure):
    """The median time from one trade of the window to the next."""

    __slots__ = ("window",)

    window: MedianSpan

    def __init__(self, t1: int, t2: int) -> None:
        TradeMeasure.__init__(self, t1)
        self.window = MedianSpan(t1, t2)
        self.watch(self.window)

    def _result(self) -> float:
        return self.window.median() / 1000.0 if self.window.number() else nan

    def _why(self) -> str:
        return f"fewer than two trades {window_words(self.window)}"


KIND = windowed(
    InterTradeMedian,
    name="inter_trade_median_ms",
    meaning="Usual time between two trades.",
    formula="median of the times between neighbouring trades in (t1, t2); of an even number the mean of the middle two",
    unit="ms",
)
