"""Mass index."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, bars, period
from papertape.indicators.ring import RunningSum
from papertape.indicators.smoothing import Ema


class MassIndex(BarMeasure):
    """The sum of ratios of an average range to its own average; each ratio is 1 while there is no range at all."""

    __slots__ = ("first", "ratios", "second")
    first: Ema
    ratios: RunningSum
    second: Ema

    def __init__(self, average: int, period: int) -> None:
        BarMeasure.__init__(self, 2 * average + period - 2)
        self.first = Ema(average)
        self.ratios = RunningSum(period)
        self.second = Ema(average)

    def _take(self, bar: Bar) -> None:
        first = self.first.add(bar.high - bar.low)
        second = self.second.add(first)
        if second == second:
            self.ratios.push(first / second if second > 0.0 else 1.0)
            self.result = self.ratios.value()


KIND = IndicatorKind(
    name="mass_index",
    meaning="Whether ranges widen: above period they do; a fall from above 27 to below 26.5 is said to mark a turn.",
    formula="sum over period bars of EMA(R, average) / EMA(EMA(R, average), average), R = high - low; "
    "a ratio without a range is 1",
    source="D. Dorsey (1992); each average is seeded with the mean of its first values",
    unit="index",
    params=(bars("average", 9, "period of both averages"), period(25), INTERVAL),
    inputs=("bars",),
    make=lambda params: MassIndex(int(params["average"]), int(params["period"])),
)
