"""Chaikin money flow."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, period
from papertape.indicators.ring import RunningSum
from papertape.indicators.smoothing import money_flow


class Cmf(BarMeasure):
    """The money flow of the last bars over their volume, -1 to 1; 0 without volume."""

    __slots__ = ("flow", "volume")
    flow: RunningSum
    volume: RunningSum

    def __init__(self, period: int) -> None:
        BarMeasure.__init__(self, period)
        self.flow = RunningSum(period)
        self.volume = RunningSum(period)

    def _take(self, bar: Bar) -> None:
        self.flow.push(money_flow(bar))
        self.volume.push(bar.volume)
        volume = self.volume.value()
        self.result = self.flow.value() / volume if volume > 0.0 else 0.0


KIND = IndicatorKind(
    name="cmf",
    meaning="Whether volume came with closes near the high (up to 1) or near the low (down to -1).",
    formula="sum(((close - low) - (high - close)) / (high - low) * volume) / sum(volume) over period bars; "
    "a bar without a range adds 0, and without volume the value is 0",
    source="M. Chaikin; textbook (Stock.Indicators, StockCharts)",
    unit="ratio",
    params=(period(20), INTERVAL),
    inputs=("bars",),
    make=lambda params: Cmf(int(params["period"])),
)
