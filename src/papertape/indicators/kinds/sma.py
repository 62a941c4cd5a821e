"""Simple moving average of closes."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.fixed import FIXED, FIXED_ONE
from papertape.indicators.kind import INTERVAL, IndicatorKind, period


class Sma(BarMeasure):
    """The mean of the last `period` closes, from an exact running sum."""

    __slots__ = ("_closes", "_total")

    def __init__(self, period: int) -> None:
        BarMeasure.__init__(self, period)
        self._closes: deque[float] = deque()
        self._total = 0

    def _take(self, bar: Bar) -> None:
        self._closes.append(bar.close)
        self._total += int(bar.close * FIXED)
        if len(self._closes) > self.need:
            self._total -= int(self._closes.popleft() * FIXED)
        self.result = self._total / (self.need * FIXED_ONE)


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
