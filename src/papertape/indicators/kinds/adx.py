"""Wilder's directional movement: both directional indicators, their index, its average and its rating."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, period
from papertape.indicators.ring import FloatRing
from papertape.indicators.smoothing import true_range

PLUS_DI, MINUS_DI, DX, ADX, ADXR = 0, 1, 2, 3, 4


class Directional(BarMeasure):
    """Movement up and down as shares of the true range, each a Wilder sum begun with `period` - 1 bars."""

    __slots__ = ("adx", "dx", "earlier", "high", "last", "low", "minus", "part", "period", "plus", "span")
    adx: float
    dx: float
    earlier: FloatRing
    high: float
    last: float
    low: float
    minus: float
    part: int
    period: int
    plus: float
    span: float

    def __init__(self, period: int, part: int) -> None:
        BarMeasure.__init__(self, 3 * period - 1 if part == ADXR else 2 * period if part == ADX else period + 1)
        self.adx = 0.0
        self.dx = 0.0
        self.earlier = FloatRing(period - 1)
        self.high = 0.0
        self.last = 0.0
        self.low = 0.0
        self.minus = 0.0
        self.part = part
        self.period = period
        self.plus = 0.0
        self.span = 0.0

    def _take(self, bar: Bar) -> None:
        if self.have > 1:
            self._sum(bar)
        self.high = bar.high
        self.low = bar.low
        self.last = bar.close
        if self.have > self.period:
            self._answer()

    def _sum(self, bar: Bar) -> None:
        if self.have > self.period:
            length = float(self.period)
            self.plus -= self.plus / length
            self.minus -= self.minus / length
            self.span -= self.span / length
        up = bar.high - self.high
        down = self.low - bar.low
        if up > 0.0 and up > down:
            self.plus += up
        elif down > 0.0 and down > up:
            self.minus += down
        self.span += true_range(bar, self.last)

    def _answer(self) -> None:
        plus = 100.0 * (self.plus / self.span) if self.span > 0.0 else 0.0
        minus = 100.0 * (self.minus / self.span) if self.span > 0.0 else 0.0
        moved = plus + minus
        if moved > 0.0:
            self.dx = 100.0 * (abs(plus - minus) / moved)
        length = float(self.period)
        if self.have <= 2 * self.period:
            self.adx += self.dx / length if moved > 0.0 else 0.0
        elif moved > 0.0:
            self.adx += (self.dx - self.adx) / length
        if self.part == PLUS_DI:
            self.result = plus
        elif self.part == MINUS_DI:
            self.result = minus
        elif self.part == DX:
            self.result = self.dx
        elif self.part == ADX:
            self.result = self.adx
        elif self.have >= 2 * self.period:
            self.result = (self.adx + self.earlier.push(self.adx)) / 2.0


def _declared(name: str, part: int, meaning: str, formula: str) -> IndicatorKind:
    return IndicatorKind(
        name=name,
        meaning=meaning,
        formula=formula,
        source="J. W. Wilder, New Concepts in Technical Trading Systems (1978); begun as TA-Lib: the sums with "
        "period - 1 bars, ADX with the mean of period DX; a bar without any movement leaves DX and ADX as they are",
        unit="index",
        params=(period(14, minimum=2), INTERVAL),
        inputs=("bars",),
        make=lambda params: Directional(int(params["period"]), part),
    )


KINDS = (
    _declared(
        "plus_di",
        PLUS_DI,
        "Share of upward movement in the range of the last bars.",
        "100 * S(+DM) / S(TR), S = S - S / period + x; +DM = high - previous high where that is positive and more than "
        "previous low - low, else 0; 0 without a range",
    ),
    _declared(
        "minus_di",
        MINUS_DI,
        "Share of downward movement in the range of the last bars.",
        "100 * S(-DM) / S(TR), S = S - S / period + x; -DM = previous low - low where that is positive and more than "
        "high - previous high, else 0; 0 without a range",
    ),
    _declared(
        "dx",
        DX,
        "How one-sided movement is.",
        "100 * |plus_di - minus_di| / (plus_di + minus_di); 0 before any movement",
    ),
    _declared(
        "adx", ADX, "Strength of the trend, either way: above 25 is often called strong.", "Wilder average of dx"
    ),
    _declared(
        "adxr", ADXR, "Strength of the trend, averaged with what it was.", "(adx + adx of period - 1 bars ago) / 2"
    ),
)
