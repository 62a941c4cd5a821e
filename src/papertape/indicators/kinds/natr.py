"""Normalized average true range."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping
from math import nan

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, period
from papertape.indicators.ranges import AverageTrueRange


class Natr(BarMeasure):
    """The average true range as a share of the close."""

    __slots__ = ("_ranges",)

    _ranges: AverageTrueRange

    def __init__(self, period: int) -> None:
        BarMeasure.__init__(self, period + 1)
        self._ranges = AverageTrueRange(period)

    def _take(self, bar: Bar) -> None:
        average = self._ranges.add(bar)
        self.result = average / bar.close * 100.0 if bar.close > 0.0 else nan

    def missing(self, ts: int) -> str:
        """Return why there is no value."""
        if self.have < self.need or self._ranges.last > 0.0:
            return BarMeasure.missing(self, ts)
        return "the close is zero"


def _make(params: Mapping[str, float]) -> Natr:
    return Natr(int(params["period"]))


KIND = IndicatorKind(
    name="natr",
    meaning="Usual size of a bar, gaps included, in percent of the close.",
    formula="100 * ATR(period) / close",
    source="J. Forman, Stocks & Commodities (2006); equal to TA-Lib NATR",
    unit="%",
    params=(period(14), INTERVAL),
    inputs=("bars",),
    make=_make,
)
