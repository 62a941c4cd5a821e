"""Bollinger bands: their lines, the place of the close between them and their width."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from math import nan, sqrt

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, factor, period
from papertape.indicators.ring import Moments

UPPER, MIDDLE, LOWER, PERCENT_B, BANDWIDTH = 0, 1, 2, 3, 4


class Bollinger(BarMeasure):
    """The mean of the last `period` closes and their population standard deviation, `deviations` times."""

    __slots__ = ("_closes", "_deviations", "_part")

    _closes: Moments
    _deviations: float
    _part: int

    def __init__(self, period: int, deviations: float, part: int) -> None:
        BarMeasure.__init__(self, period)
        self._closes = Moments(period)
        self._deviations = deviations
        self._part = part

    def _take(self, bar: Bar) -> None:
        closes = self._closes
        closes.push(bar.close)
        middle = closes.mean()
        distance = self._deviations * sqrt(closes.variance())
        if self._part == UPPER:
            self.result = middle + distance
        elif self._part == MIDDLE:
            self.result = middle
        elif self._part == LOWER:
            self.result = middle - distance
        elif self._part == PERCENT_B:
            self.result = (bar.close - middle + distance) / (2.0 * distance) if distance > 0.0 else nan
        else:
            self.result = 2.0 * distance / middle if middle > 0.0 else nan

    def missing(self, ts: int) -> str:
        """Return why there is no value."""
        if self.have >= self.need and self._part == PERCENT_B and self._closes.variance() == 0.0:
            return "the bands meet"
        if self.have >= self.need and self._part == BANDWIDTH and self._closes.mean() <= 0.0:
            return "the middle band is zero"
        return BarMeasure.missing(self, ts)


def _make(part: int, params: Mapping[str, float]) -> Bollinger:
    return Bollinger(int(params["period"]), params["deviations"], part)


def _declared(name: str, part: int, meaning: str, formula: str, unit: str) -> IndicatorKind:
    return IndicatorKind(
        name=name,
        meaning=meaning,
        formula=formula,
        source="J. Bollinger, Bollinger on Bollinger Bands (2001); bands equal to TA-Lib BBANDS, population deviation",
        unit=unit,
        params=(period(20), factor("deviations", 2.0, "distance of the bands, in standard deviations"), INTERVAL),
        inputs=("bars",),
        make=partial(_make, part),
    )


KINDS = (
    _declared(
        "bollinger_upper",
        UPPER,
        "Upper Bollinger band: as high as closes usually get.",
        "SMA(close, period) + deviations * population standard deviation of the last period closes",
        "quote",
    ),
    _declared(
        "bollinger_middle", MIDDLE, "Middle Bollinger band: the mean of the last closes.", "SMA(close, period)", "quote"
    ),
    _declared(
        "bollinger_lower",
        LOWER,
        "Lower Bollinger band: as low as closes usually get.",
        "SMA(close, period) - deviations * population standard deviation of the last period closes",
        "quote",
    ),
    _declared(
        "bollinger_percent_b",
        PERCENT_B,
        "Where the close is between the Bollinger bands: 0 at the lower, 1 at the upper one; none when they meet.",
        "(close - lower) / (upper - lower)",
        "ratio",
    ),
    _declared(
        "bollinger_bandwidth",
        BANDWIDTH,
        "Width of the Bollinger bands against their middle; StockCharts shows 100 times it.",
        "(upper - lower) / middle",
        "ratio",
    ),
)
