"""Tillson's T3."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, factor, period
from papertape.indicators.smoothing import Ema


class T3(BarMeasure):
    """Six averages in a chain, of which the last four are weighed together."""

    __slots__ = ("e1", "e2", "e3", "e4", "e5", "e6", "w3", "w4", "w5", "w6")
    e1: Ema
    e2: Ema
    e3: Ema
    e4: Ema
    e5: Ema
    e6: Ema
    w3: float
    w4: float
    w5: float
    w6: float

    def __init__(self, period: int, factor: float) -> None:
        BarMeasure.__init__(self, 6 * (period - 1) + 1)
        self.e1 = Ema(period)
        self.e2 = Ema(period)
        self.e3 = Ema(period)
        self.e4 = Ema(period)
        self.e5 = Ema(period)
        self.e6 = Ema(period)
        square = factor * factor
        cube = square * factor
        self.w6 = -cube
        self.w5 = 3.0 * (square + cube)
        self.w4 = -6.0 * square - 3.0 * (factor + cube)
        self.w3 = 1.0 + 3.0 * factor + cube + 3.0 * square

    def _take(self, bar: Bar) -> None:
        third = self.e3.add(self.e2.add(self.e1.add(bar.close)))
        fourth = self.e4.add(third)
        fifth = self.e5.add(fourth)
        sixth = self.e6.add(fifth)
        self.result = self.w6 * sixth + self.w5 * fifth + self.w4 * fourth + self.w3 * third


KIND = IndicatorKind(
    name="t3",
    meaning="Average of closes that is smooth and lags little.",
    formula="-v^3 e6 + (3 v^2 + 3 v^3) e5 - (6 v^2 + 3 v + 3 v^3) e4 + (1 + 3 v + v^3 + 3 v^2) e3, e1 = EMA(close), "
    "e2 = EMA(e1) and so on, v = volume_factor",
    source="T. Tillson (1998); equal to TA-Lib T3: each average is seeded with the mean of its first period values",
    unit="quote",
    params=(
        period(5),
        factor("volume_factor", 0.7, "how much of the lag is taken back; 0: a triple average", maximum=1.0),
        INTERVAL,
    ),
    inputs=("bars",),
    make=lambda params: T3(int(params["period"]), params["volume_factor"]),
)
