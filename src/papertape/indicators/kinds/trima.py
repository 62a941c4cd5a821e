"""Triangular moving average."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, period
from papertape.indicators.smoothing import WindowMean


class Trima(BarMeasure):
    """The plain average of a plain average: closes in the middle of the period weigh most."""

    __slots__ = ("first", "second")
    first: WindowMean
    second: WindowMean

    def __init__(self, period: int) -> None:
        BarMeasure.__init__(self, period)
        self.first = WindowMean((period + 1) // 2)
        self.second = WindowMean(period // 2 + 1)

    def _take(self, bar: Bar) -> None:
        self.result = self.second.add(self.first.add(bar.close))


KIND = IndicatorKind(
    name="trima",
    meaning="Average of closes that weighs the middle of the period most.",
    formula="SMA(SMA(close, (period + 1) // 2), period // 2 + 1)",
    source="textbook; equal to TA-Lib TRIMA",
    unit="quote",
    params=(period(20), INTERVAL),
    inputs=("bars",),
    make=lambda params: Trima(int(params["period"])),
)
