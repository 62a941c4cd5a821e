"""Volume-weighted moving average of closes."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping
from math import nan

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, period
from papertape.indicators.ring import RunningSum


class Vwma(BarMeasure):
    """The mean of the last `period` closes, weighted by their volumes."""

    __slots__ = ("_turnover", "_volume")

    _turnover: RunningSum
    _volume: RunningSum

    def __init__(self, period: int) -> None:
        BarMeasure.__init__(self, period)
        self._turnover = RunningSum(period)
        self._volume = RunningSum(period)

    def _take(self, bar: Bar) -> None:
        self._turnover.push(bar.close * bar.volume)
        self._volume.push(bar.volume)
        volume = self._volume.value()
        self.result = self._turnover.value() / volume if volume > 0.0 else nan

    def missing(self, ts: int) -> str:
        """Return why there is no value."""
        if self.have < self.need or self._volume.value() > 0.0:
            return BarMeasure.missing(self, ts)
        return f"no volume in the last {self.need} bars"


def _make(params: Mapping[str, float]) -> Vwma:
    return Vwma(int(params["period"]))


KIND = IndicatorKind(
    name="vwma",
    meaning="Mean of the last closes, weighted by volume; none when nothing traded.",
    formula="sum(close * volume) / sum(volume) over the last period bars",
    source="textbook; equal to Lean VolumeWeightedMovingAverage",
    unit="quote",
    params=(period(20), INTERVAL),
    inputs=("bars",),
    make=_make,
)
