"""Slope of the least-squares line through closes."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, period
from papertape.indicators.ring import WeightedSum


class LinearRegressionSlope(BarMeasure):
    """The rise per bar of the line through the last `period` closes."""

    __slots__ = ("_closes",)

    _closes: WeightedSum

    def __init__(self, period: int) -> None:
        BarMeasure.__init__(self, period)
        self._closes = WeightedSum(period)

    def _take(self, bar: Bar) -> None:
        self._closes.push(bar.close)
        self.result = self._closes.slope()


def _make(params: Mapping[str, float]) -> LinearRegressionSlope:
    return LinearRegressionSlope(int(params["period"]))


KIND = IndicatorKind(
    name="linear_regression_slope",
    meaning="Rise per bar of the straight line that fits the last closes best.",
    formula="sum((i - (period + 1) / 2) * close_i) / (period * (period^2 - 1) / 12), i = 1 for the oldest of the "
    "last period closes to period for the newest",
    source="least squares; equal to TA-Lib LINEARREG_SLOPE",
    unit="quote/bar",
    params=(period(14, minimum=2), INTERVAL),
    inputs=("bars",),
    make=_make,
)
