"""Average true range."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, period
from papertape.indicators.ranges import AverageTrueRange


class Atr(BarMeasure):
    """Wilder's average of true ranges, the first of which is that of the second bar."""

    __slots__ = ("_ranges",)

    _ranges: AverageTrueRange

    def __init__(self, period: int) -> None:
        BarMeasure.__init__(self, period + 1)
        self._ranges = AverageTrueRange(period)

    def _take(self, bar: Bar) -> None:
        self.result = self._ranges.add(bar)


def _make(params: Mapping[str, float]) -> Atr:
    return Atr(int(params["period"]))


KIND = IndicatorKind(
    name="atr",
    meaning="Usual size of a bar, gaps included.",
    formula="Wilder average of max(high, previous close) - min(low, previous close), seeded with the mean of the "
    "first period",
    source="J. W. Wilder, New Concepts in Technical Trading Systems (1978); equal to TA-Lib ATR",
    unit="quote",
    params=(period(14), INTERVAL),
    inputs=("bars",),
    make=_make,
)
