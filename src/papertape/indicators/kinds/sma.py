"""Simple moving average of closes."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, period
from papertape.indicators.ring import RunningSum


class Sma(BarMeasure):
    """The mean of the last `period` closes."""

    __slots__ = ("_closes",)

    _closes: RunningSum

    def __init__(self, period: int) -> None:
        BarMeasure.__init__(self, period)
        self._closes = RunningSum(period)

    def _take(self, bar: Bar) -> None:
        self._closes.push(bar.close)
        self.result = self._closes.mean()


def _make(params: Mapping[str, float]) -> Sma:
    return Sma(int(params["period"]))


KIND = IndicatorKind(
    name="sma",
    meaning="Mean of the last closes.",
    formula="sum(close) / period over the last period bars",
    source="textbook; equal to TA-Lib SMA",
    unit="quote",
    params=(period(20), INTERVAL),
    inputs=("bars",),
    make=_make,
)
