"""Zero-lag exponential moving average."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, period
from papertape.indicators.ring import FloatRing
from papertape.indicators.smoothing import Ema


class Zlema(BarMeasure):
    """The average of closes pushed ahead by their change over the average's lag."""

    __slots__ = ("average", "closes", "lag")
    average: Ema
    closes: FloatRing
    lag: int

    def __init__(self, period: int) -> None:
        self.lag = (period - 1) // 2
        BarMeasure.__init__(self, period + self.lag)
        self.average = Ema(period)
        self.closes = FloatRing(self.lag + 1)

    def _take(self, bar: Bar) -> None:
        self.closes.push(bar.close)
        if self.have > self.lag:
            self.result = self.average.add(bar.close + (bar.close - self.closes.at(self.lag)))


KIND = IndicatorKind(
    name="zlema",
    meaning="Average of closes with most of its lag taken out; overshoots at turns.",
    formula="EMA(close + (close - close of lag bars ago), period), lag = (period - 1) // 2, seeded with the mean of "
    "the first period such values",
    source="J. Ehlers and R. Way, Zero Lag (2010)",
    unit="quote",
    params=(period(20), INTERVAL),
    inputs=("bars",),
    make=lambda params: Zlema(int(params["period"])),
)
