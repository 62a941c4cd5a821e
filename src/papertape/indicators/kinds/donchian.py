"""Donchian channel: the extremes of the last bars."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, period
from papertape.indicators.ring import RollingMax, RollingMin

UPPER, MIDDLE, LOWER = 0, 1, 2


class Donchian(BarMeasure):
    """The highest high and the lowest low of the last `period` bars, the newest included."""

    __slots__ = ("_high", "_low", "_part")

    _high: RollingMax
    _low: RollingMin
    _part: int

    def __init__(self, period: int, part: int) -> None:
        BarMeasure.__init__(self, period)
        self._high = RollingMax(period)
        self._low = RollingMin(period)
        self._part = part

    def _take(self, bar: Bar) -> None:
        high = self._high.add(bar.high)
        low = self._low.add(bar.low)
        if self._part == UPPER:
            self.result = high
        elif self._part == LOWER:
            self.result = low
        else:
            self.result = (high + low) / 2.0


def _make(part: int, params: Mapping[str, float]) -> Donchian:
    return Donchian(int(params["period"]), part)


def _declared(name: str, part: int, meaning: str, formula: str) -> IndicatorKind:
    return IndicatorKind(
        name=name,
        meaning=meaning,
        formula=formula,
        source="R. Donchian; the newest bar is one of the period, as in TA-Lib MAX, MIN and MIDPRICE",
        unit="quote",
        params=(period(20), INTERVAL),
        inputs=("bars",),
        make=partial(_make, part),
    )


KINDS = (
    _declared(
        "donchian_upper",
        UPPER,
        "Highest high of the last bars, the newest included.",
        "max(high) over the last period bars",
    ),
    _declared(
        "donchian_middle",
        MIDDLE,
        "Middle between the highest high and the lowest low of the last bars.",
        "(max(high) + min(low)) / 2 over the last period bars",
    ),
    _declared(
        "donchian_lower",
        LOWER,
        "Lowest low of the last bars, the newest included.",
        "min(low) over the last period bars",
    ),
)
