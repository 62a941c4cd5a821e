"""Hull moving average of closes."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping
from math import isqrt

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, period
from papertape.indicators.ring import WeightedSum


class Hma(BarMeasure):
    """A short weighted mean of twice the half-period mean less the whole one."""

    __slots__ = ("_half", "_smooth", "_whole")

    _half: WeightedSum
    _whole: WeightedSum
    _smooth: WeightedSum

    def __init__(self, period: int) -> None:
        root = isqrt(period)
        BarMeasure.__init__(self, period + root - 1)
        self._half = WeightedSum(period // 2)
        self._whole = WeightedSum(period)
        self._smooth = WeightedSum(root)

    def _take(self, bar: Bar) -> None:
        self._half.push(bar.close)
        self._whole.push(bar.close)
        if self.have >= self._whole.ring.capacity:
            self._smooth.push(2.0 * self._half.weighted_mean() - self._whole.weighted_mean())
            self.result = self._smooth.weighted_mean()


def _make(params: Mapping[str, float]) -> Hma:
    return Hma(int(params["period"]))


KIND = IndicatorKind(
    name="hma",
    meaning="Smooth average of closes with little lag.",
    formula="WMA(2 * WMA(close, period / 2) - WMA(close, period), sqrt(period)), both roundings downward",
    source="A. Hull, alanhull.com/hull-moving-average (2005)",
    unit="quote",
    params=(period(16, minimum=2), INTERVAL),
    inputs=("bars",),
    make=_make,
)
