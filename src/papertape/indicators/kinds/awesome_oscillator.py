"""Awesome oscillator."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, bars
from papertape.indicators.smoothing import WindowMean


class AwesomeOscillator(BarMeasure):
    """A fast plain average of the bars' middles less a slow one."""

    __slots__ = ("fast", "slow")
    fast: WindowMean
    slow: WindowMean

    def __init__(self, fast: int, slow: int) -> None:
        BarMeasure.__init__(self, slow)
        self.fast = WindowMean(fast)
        self.slow = WindowMean(slow)

    def _take(self, bar: Bar) -> None:
        middle = (bar.high + bar.low) / 2.0
        fast = self.fast.add(middle)
        self.result = fast - self.slow.add(middle)


KIND = IndicatorKind(
    name="awesome_oscillator",
    meaning="Distance of a fast average of the bars' middles from a slow one.",
    formula="SMA(M, fast) - SMA(M, slow), M = (high + low) / 2",
    source="B. Williams, New Trading Dimensions (1998)",
    unit="quote",
    params=(
        bars("fast", 5, "number of bars in the fast average"),
        bars("slow", 34, "number of bars in the slow average; more than fast", minimum=2),
        INTERVAL,
    ),
    inputs=("bars",),
    make=lambda params: AwesomeOscillator(int(params["fast"]), int(params["slow"])),
    ordered=(("slow", "fast"),),
)
