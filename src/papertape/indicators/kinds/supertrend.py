"""SuperTrend."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, factor, period
from papertape.indicators.ranges import AverageTrueRange


class SuperTrend(BarMeasure):
    """A stop that follows the price at a distance of true ranges and changes sides when a close passes it."""

    __slots__ = ("_factor", "_is_rising", "_last", "_lower", "_ranges", "_upper")

    _factor: float
    _is_rising: bool
    _last: float
    _lower: float
    _ranges: AverageTrueRange
    _upper: float

    def __init__(self, period: int, multiplier: float) -> None:
        BarMeasure.__init__(self, period + 1)
        self._factor = multiplier
        self._is_rising = False
        self._last = 0.0
        self._lower = 0.0
        self._ranges = AverageTrueRange(period)
        self._upper = 0.0

    def _take(self, bar: Bar) -> None:
        last = self._last
        self._last = bar.close
        distance = self._factor * self._ranges.add(bar)
        middle = (bar.high + bar.low) / 2.0
        if self.have < self.need:
            return
        if self.have == self.need:
            self._upper = middle + distance
            self._lower = middle - distance
            self._is_rising = bar.close >= middle
        else:
            if middle + distance < self._upper or last > self._upper:
                self._upper = middle + distance
            if middle - distance > self._lower or last < self._lower:
                self._lower = middle - distance
        self._is_rising = bar.close > (self._lower if self._is_rising else self._upper)
        self.result = self._lower if self._is_rising else self._upper


def _make(params: Mapping[str, float]) -> SuperTrend:
    return SuperTrend(int(params["period"]), params["multiplier"])


KIND = IndicatorKind(
    name="supertrend",
    meaning="Trailing stop of the trend: below the price while it rises, above it while it falls.",
    formula="bands (high + low) / 2 +- multiplier * ATR(period); the upper one only falls and the lower one only "
    "rises until the close before passed it; the line is the lower band from a close above the upper one "
    "on, the upper band from a close at or below the lower one on; at first rising when close is not "
    "below (high + low) / 2",
    source="O. Seban; as Stock.Indicators SuperTrend",
    unit="quote",
    params=(
        period(10),
        factor("multiplier", 3.0, "distance of the bands, in average true ranges"),
        INTERVAL,
    ),
    inputs=("bars",),
    make=_make,
)
