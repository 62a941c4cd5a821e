"""Choppiness index."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from math import log10

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, period
from papertape.indicators.ring import RollingMax, RollingMin, RunningSum
from papertape.indicators.smoothing import true_range


class Choppiness(BarMeasure):
    """How much longer the way was than the distance it covered, on a logarithmic scale; 100 without any distance."""

    __slots__ = ("high", "last", "low", "ranges", "scale")
    high: RollingMax
    last: float
    low: RollingMin
    ranges: RunningSum
    scale: float

    def __init__(self, period: int) -> None:
        BarMeasure.__init__(self, period + 1)
        self.high = RollingMax(period)
        self.last = 0.0
        self.low = RollingMin(period)
        self.ranges = RunningSum(period)
        self.scale = log10(float(period))

    def _take(self, bar: Bar) -> None:
        last = self.last
        self.last = bar.close
        if self.have == 1:
            return
        distance = self.high.add(bar.high) - self.low.add(bar.low)
        self.ranges.push(true_range(bar, last))
        way = self.ranges.value()
        if way > 0.0 and distance > 0.0:
            self.result = 100.0 * log10(way / distance) / self.scale
        else:
            self.result = 100.0


KIND = IndicatorKind(
    name="choppiness",
    meaning="Whether price goes sideways (towards 100) or in one direction (towards 0).",
    formula="100 * log10(sum(true range) / (H - L)) / log10(period), H the highest high and L the lowest low of period "
    "bars; 100 where H = L",
    source="E. W. Dreiss; the first true range is that of the second bar",
    unit="index",
    params=(period(14, minimum=2), INTERVAL),
    inputs=("bars",),
    make=lambda params: Choppiness(int(params["period"])),
)
