"""Linearly weighted moving average of closes."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, period
from papertape.indicators.ring import WeightedSum


class Wma(BarMeasure):
    """The mean of the last `period` closes, weighted 1 to `period` from the oldest to the newest."""

    __slots__ = ("_closes",)

    _closes: WeightedSum

    def __init__(self, period: int) -> None:
        BarMeasure.__init__(self, period)
        self._closes = WeightedSum(period)

    def _take(self, bar: Bar) -> None:
        self._closes.push(bar.close)
        self.result = self._closes.weighted_mean()


def _make(params: Mapping[str, float]) -> Wma:
    return Wma(int(params["period"]))


KIND = IndicatorKind(
    name="wma",
    meaning="Mean of the last closes, the newest weighing most.",
    formula="sum(i * close_i) / sum(i), i = 1 for the oldest of the last period closes to period for the newest",
    source="textbook; equal to TA-Lib WMA",
    unit="quote",
    params=(period(20), INTERVAL),
    inputs=("bars",),
    make=_make,
)
