"""Exponential moving average of closes."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, period
from papertape.indicators.smoothing import Ema


class EmaOfCloses(BarMeasure):
    """Starts as the mean of the first `period` closes, then moves by 2 / (period + 1) of each distance."""

    __slots__ = ("_average",)

    _average: Ema

    def __init__(self, period: int) -> None:
        BarMeasure.__init__(self, period)
        self._average = Ema(period)

    def _take(self, bar: Bar) -> None:
        self.result = self._average.add(bar.close)


def _make(params: Mapping[str, float]) -> EmaOfCloses:
    return EmaOfCloses(int(params["period"]))


KIND = IndicatorKind(
    name="ema",
    meaning="Average of closes that weighs recent ones more.",
    formula="EMA += 2 / (period + 1) * (close - EMA), seeded with the mean of the first period closes",
    source="textbook; seeded as TA-Lib EMA",
    unit="quote",
    params=(period(20), INTERVAL),
    inputs=("bars",),
    make=_make,
)
