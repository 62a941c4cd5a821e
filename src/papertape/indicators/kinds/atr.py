"""Average true range."""

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, period


class Atr(BarMeasure):
    """Wilder's average of true ranges, the first of which is that of the second bar."""

    __slots__ = ("_last", "_period")

    def __init__(self, period: int) -> None:
        BarMeasure.__init__(self, period + 1)
        self._period = period
        self._last = 0.0

    def _take(self, bar: Bar) -> None:
        last, self._last = self._last, bar.close
        if self.have == 1:
            return
        true_range = max(bar.high, last) - min(bar.low, last)
        self.result += (true_range - self.result) / min(self.have - 1, self._period)


def _make(params: Mapping[str, float]) -> Atr:
    return Atr(int(params["period"]))


KIND = IndicatorKind(
    name="atr",
    meaning="Usual size of a bar, gaps included.",
    formula="Wilder average of max(high, previous close) - min(low, previous close), "
    "seeded with the mean of the first period",
    source="J. W. Wilder, New Concepts in Technical Trading Systems (1978); seeded as TA-Lib ATR",
    unit="quote",
    params=(period(14), INTERVAL),
    inputs=("bars",),
    make=_make,
)
