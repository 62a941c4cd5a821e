"""Force index."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, period
from papertape.indicators.smoothing import Ema


class ForceIndex(BarMeasure):
    """The average of each bar's change of close times its volume."""

    __slots__ = ("average", "last")
    average: Ema
    last: float

    def __init__(self, period: int) -> None:
        BarMeasure.__init__(self, period + 1)
        self.average = Ema(period)
        self.last = 0.0

    def _take(self, bar: Bar) -> None:
        change = bar.close - self.last
        self.last = bar.close
        if self.have > 1:
            self.result = self.average.add(change * bar.volume)


KIND = IndicatorKind(
    name="force_index",
    meaning="How much price moved with how much volume, averaged.",
    formula="EMA((close - previous close) * volume, period), seeded with the mean of the first period",
    source="A. Elder, Trading for a Living (1993)",
    unit="quote",
    params=(period(13), INTERVAL),
    inputs=("bars",),
    make=lambda params: ForceIndex(int(params["period"])),
)
