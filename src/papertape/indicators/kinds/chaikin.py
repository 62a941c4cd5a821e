"""Chaikin's accumulation and distribution line, and the oscillator of it."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, bars
from papertape.indicators.ring import LongSum
from papertape.indicators.smoothing import money_flow


class Accumulation(BarMeasure):
    """The money flow of all bars since the first."""

    __slots__ = ("total",)
    total: LongSum

    def __init__(self) -> None:
        BarMeasure.__init__(self, 1)
        self.total = LongSum()

    def _take(self, bar: Bar) -> None:
        self.total.add(money_flow(bar))
        self.result = self.total.value()


class ChaikinOscillator(BarMeasure):
    """A fast average of the line less a slow one, both begun with the first bar's."""

    __slots__ = ("fast", "fast_weight", "slow", "slow_weight", "total")
    fast: float
    fast_weight: float
    slow: float
    slow_weight: float
    total: LongSum

    def __init__(self, fast: int, slow: int) -> None:
        BarMeasure.__init__(self, slow)
        self.fast = 0.0
        self.fast_weight = 2.0 / float(fast + 1)
        self.slow = 0.0
        self.slow_weight = 2.0 / float(slow + 1)
        self.total = LongSum()

    def _take(self, bar: Bar) -> None:
        self.total.add(money_flow(bar))
        line = self.total.value()
        if self.have == 1:
            self.fast = line
            self.slow = line
        self.fast += self.fast_weight * (line - self.fast)
        self.slow += self.slow_weight * (line - self.slow)
        self.result = self.fast - self.slow


KINDS = (
    IndicatorKind(
        name="chaikin_ad",
        meaning="Accumulation and distribution: volume by where each bar closed in its range, since the first.",
        formula="AD + ((close - low) - (high - close)) / (high - low) * volume; a bar without a range adds nothing",
        source="M. Chaikin; equal to TA-Lib AD",
        unit="base",
        params=(INTERVAL,),
        inputs=("bars",),
        make=lambda params: Accumulation(),  # noqa: ARG005 - it has no parameters of its own
    ),
    IndicatorKind(
        name="chaikin_oscillator",
        meaning="Momentum of accumulation: a fast average of the accumulation line less a slow one.",
        formula="EMA(AD, fast) - EMA(AD, slow), AD = chaikin_ad, both averages begun with the first bar's AD",
        source="M. Chaikin; begun as TA-Lib ADOSC",
        unit="base",
        params=(
            bars("fast", 3, "period of the fast average"),
            bars("slow", 10, "period of the slow average; more than fast", minimum=2),
            INTERVAL,
        ),
        inputs=("bars",),
        make=lambda params: ChaikinOscillator(int(params["fast"]), int(params["slow"])),
        ordered=(("slow", "fast"),),
    ),
)
