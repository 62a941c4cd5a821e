"""Keltner channels."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, bars, factor, period
from papertape.indicators.ranges import AverageTrueRange
from papertape.indicators.smoothing import Ema

UPPER, MIDDLE, LOWER = 0, 1, 2


class Keltner(BarMeasure):
    """An exponential average of closes, and lines at a distance of average true ranges."""

    __slots__ = ("_average", "_factor", "_ranges", "_side")

    _average: Ema
    _ranges: AverageTrueRange
    _factor: float
    _side: int

    def __init__(self, period: int, atr_period: int, multiplier: float, part: int) -> None:
        BarMeasure.__init__(self, max(period, atr_period + 1) if part != MIDDLE else period)
        self._average = Ema(period)
        self._ranges = AverageTrueRange(atr_period)
        self._factor = multiplier
        self._side = MIDDLE - part

    def _take(self, bar: Bar) -> None:
        middle = self._average.add(bar.close)
        if self._side == 0:
            self.result = middle
        else:
            self.result = middle + float(self._side) * self._factor * self._ranges.add(bar)


def _make(part: int, params: Mapping[str, float]) -> Keltner:
    return Keltner(int(params["period"]), int(params["atr_period"]), params["multiplier"], part)


def _declared(name: str, part: int, meaning: str, formula: str) -> IndicatorKind:
    return IndicatorKind(
        name=name,
        meaning=meaning,
        formula=formula,
        source="L. B. Raschke, after C. W. Keltner (1960), as StockCharts; averages as TA-Lib EMA and ATR",
        unit="quote",
        params=(
            period(20),
            bars("atr_period", 10, "period of the average true range"),
            factor("multiplier", 2.0, "distance of the lines, in average true ranges"),
            INTERVAL,
        ),
        inputs=("bars",),
        make=partial(_make, part),
    )


KINDS = (
    _declared(
        "keltner_upper",
        UPPER,
        "Upper Keltner line: usual bars above the average close.",
        "EMA(close, period) + multiplier * ATR(atr_period)",
    ),
    _declared("keltner_middle", MIDDLE, "Middle Keltner line: the average close.", "EMA(close, period)"),
    _declared(
        "keltner_lower",
        LOWER,
        "Lower Keltner line: usual bars below the average close.",
        "EMA(close, period) - multiplier * ATR(atr_period)",
    ),
)
