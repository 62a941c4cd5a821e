"""Commodity channel index."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, period
from papertape.indicators.ring import RunningSum


class Cci(BarMeasure):
    """The typical price's distance from its mean, in units of 0.015 mean deviations; 0 when no price differs."""

    __slots__ = ("typical",)
    typical: RunningSum

    def __init__(self, period: int) -> None:
        BarMeasure.__init__(self, period)
        self.typical = RunningSum(period)

    def _take(self, bar: Bar) -> None:
        typical = (bar.high + bar.low + bar.close) / 3.0
        window = self.typical
        window.push(typical)
        if self.have < self.need:
            return
        mean = window.mean()
        # The deviations are from the newest mean, so all of them change with every bar.
        values = window.ring.values
        deviation = 0.0
        for at in range(self.need):
            deviation += abs(values[at] - mean)
        if deviation == 0.0:
            self.result = 0.0
        else:
            self.result = (typical - mean) / (0.015 * (deviation / float(self.need)))


KIND = IndicatorKind(
    name="cci",
    meaning="Distance of price from its average, measured by how much prices usually differ from it.",
    formula="(TP - SMA(TP)) / (0.015 * mean of |TP - SMA(TP)|), TP = (high + low + close) / 3, over period bars",
    source="D. Lambert (1980); equal to TA-Lib CCI; 0 when no price differs; work grows with period",
    unit="index",
    params=(period(20, minimum=2), INTERVAL),
    inputs=("bars",),
    make=lambda params: Cci(int(params["period"])),
)
