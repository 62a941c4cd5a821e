"""The average true range, which several channels and stops are measured in."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from math import nan

from papertape.indicators.bars import Bar
from papertape.indicators.smoothing import WilderMean, true_range


class AverageTrueRange:
    """Wilder's average of true ranges, the first of which is that of the second bar (as TA-Lib ATR)."""

    __slots__ = ("count", "last", "mean")

    count: int
    last: float
    mean: WilderMean

    def __init__(self, period: int) -> None:
        self.count = 0
        self.last = 0.0
        self.mean = WilderMean(period)

    def add(self, bar: Bar) -> float:
        """Return the average with a closed bar, NaN for the first `period` bars."""
        last = self.last
        self.last = bar.close
        self.count += 1
        return self.mean.add(true_range(bar, last)) if self.count > 1 else nan
