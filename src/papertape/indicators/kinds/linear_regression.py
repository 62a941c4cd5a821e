"""End of the least-squares line through closes."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, period
from papertape.indicators.ring import WeightedSum


class LinearRegression(BarMeasure):
    """The line through the last `period` closes, at the newest of them."""

    __slots__ = ("_closes",)

    _closes: WeightedSum

    def __init__(self, period: int) -> None:
        BarMeasure.__init__(self, period)
        self._closes = WeightedSum(period)

    def _take(self, bar: Bar) -> None:
        closes = self._closes
        closes.push(bar.close)
        self.result = closes.mean() + closes.slope() * (float(self.need) - 1.0) / 2.0


def _make(params: Mapping[str, float]) -> LinearRegression:
    return LinearRegression(int(params["period"]))


KIND = IndicatorKind(
    name="linear_regression",
    meaning="Where the straight line that fits the last closes best ends now.",
    formula="mean(close) + slope * (period - 1) / 2 over the last period closes",
    source="least squares; equal to TA-Lib LINEARREG",
    unit="quote",
    params=(period(14, minimum=2), INTERVAL),
    inputs=("bars",),
    make=_make,
)
