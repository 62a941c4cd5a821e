"""Population standard deviation of closes."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, period
from papertape.indicators.ring import Moments


class StandardDeviation(BarMeasure):
    """Of the last `period` closes."""

    __slots__ = ("_closes",)

    _closes: Moments

    def __init__(self, period: int) -> None:
        BarMeasure.__init__(self, period)
        self._closes = Moments(period)

    def _take(self, bar: Bar) -> None:
        self._closes.push(bar.close)
        self.result = sqrt(self._closes.variance())


def _make(params: Mapping[str, float]) -> StandardDeviation:
    return StandardDeviation(int(params["period"]))


KIND = IndicatorKind(
    name="standard_deviation",
    meaning="Usual distance of the last closes from their mean.",
    formula="sqrt(sum((close - mean)^2) / period) over the last period bars (population)",
    source="textbook; equal to TA-Lib STDDEV",
    unit="quote",
    params=(period(20), INTERVAL),
    inputs=("bars",),
    make=_make,
)
