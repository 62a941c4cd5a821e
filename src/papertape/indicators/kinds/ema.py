"""Exponential moving average of closes."""

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, period


class Ema(BarMeasure):
    """Starts as the mean of the first `period` closes, then moves by 2 / (period + 1) of each distance."""

    __slots__ = ("_alpha",)

    def __init__(self, period: int) -> None:
        BarMeasure.__init__(self, period)
        self._alpha = 2.0 / (period + 1)

    def _take(self, bar: Bar) -> None:
        if self.have > self.need:
            self.result += self._alpha * (bar.close - self.result)
        else:
            self.result += (bar.close - self.result) / self.have


def _make(params: Mapping[str, float]) -> Ema:
    return Ema(int(params["period"]))


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
