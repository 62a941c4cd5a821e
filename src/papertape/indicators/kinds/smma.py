"""Smoothed moving average of closes, also called Wilder's or RMA."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, period
from papertape.indicators.smoothing import WilderMean


class Smma(BarMeasure):
    """Starts as the mean of the first `period` closes, then moves by 1 / period of each distance."""

    __slots__ = ("_average",)

    _average: WilderMean

    def __init__(self, period: int) -> None:
        BarMeasure.__init__(self, period)
        self._average = WilderMean(period)

    def _take(self, bar: Bar) -> None:
        self.result = self._average.add(bar.close)


def _make(params: Mapping[str, float]) -> Smma:
    return Smma(int(params["period"]))


KIND = IndicatorKind(
    name="smma",
    meaning="Slow average of closes, Wilder's: each bar moves it by 1 / period of the distance.",
    formula="SMMA += (close - SMMA) / period, seeded with the mean of the first period closes",
    source="J. W. Wilder, New Concepts in Technical Trading Systems (1978); equal to Stock.Indicators SMMA",
    unit="quote",
    params=(period(20), INTERVAL),
    inputs=("bars",),
    make=_make,
)
