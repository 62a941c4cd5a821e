"""Ultimate oscillator."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, bars
from papertape.indicators.ring import RunningSum
from papertape.indicators.smoothing import true_range


class Pressure:
    """The share of buying pressure in the true ranges of some bars, 0 to 1; 0 without a range."""

    __slots__ = ("bought", "ranges")
    bought: RunningSum
    ranges: RunningSum

    def __init__(self, period: int) -> None:
        self.bought = RunningSum(period)
        self.ranges = RunningSum(period)

    def add(self, bought: float, span: float) -> float:
        """Return the share with one more bar."""
        self.bought.push(bought)
        self.ranges.push(span)
        ranges = self.ranges.value()
        return max(self.bought.value(), 0.0) / ranges if ranges > 0.0 else 0.0


class UltimateOscillator(BarMeasure):
    """Buying pressure over three periods, the shorter the heavier."""

    __slots__ = ("last", "long", "medium", "short")
    last: float
    long: Pressure
    medium: Pressure
    short: Pressure

    def __init__(self, short: int, medium: int, long: int) -> None:
        BarMeasure.__init__(self, long + 1)
        self.last = 0.0
        self.short = Pressure(short)
        self.medium = Pressure(medium)
        self.long = Pressure(long)

    def _take(self, bar: Bar) -> None:
        last = self.last
        self.last = bar.close
        if self.have == 1:
            return
        bought = bar.close - min(bar.low, last)
        span = true_range(bar, last)
        short = self.short.add(bought, span)
        medium = self.medium.add(bought, span)
        long = self.long.add(bought, span)
        self.result = 100.0 * ((4.0 * short + 2.0 * medium + long) / 7.0)


KIND = IndicatorKind(
    name="ultimate_oscillator",
    meaning="Buying pressure over a short, a medium and a long time at once: above 70 is often called overbought.",
    formula="100 * (4 * P(short) + 2 * P(medium) + P(long)) / 7, "
    "P(n) = sum(close - true low) / sum(true range) of n bars; P is 0 without a range",
    source="L. Williams (1985); equal to TA-Lib ULTOSC",
    unit="index",
    params=(
        bars("short", 7, "number of bars that weigh most"),
        bars("medium", 14, "number of bars that weigh half as much; more than short", minimum=2),
        bars("long", 28, "number of bars that weigh least; more than medium", minimum=3),
        INTERVAL,
    ),
    inputs=("bars",),
    make=lambda params: UltimateOscillator(int(params["short"]), int(params["medium"]), int(params["long"])),
    ordered=(("medium", "short"), ("long", "medium")),
)
