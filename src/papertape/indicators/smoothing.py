"""What classical indicators are built of: averages and sums over numbers that come one at a time.

Each `add` takes the next number and returns the newest value, NaN until there is one. A NaN that is added is left out,
so that averages can be chained: the second begins with the first value of the first.
"""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from math import nan

from papertape.indicators.bars import Bar
from papertape.indicators.ring import RunningSum


class Ema:
    """An exponential average, seeded with the mean of the first `period` numbers (as TA-Lib EMA)."""

    __slots__ = ("count", "period", "value", "weight")
    count: int
    period: int
    value: float
    weight: float

    def __init__(self, period: int) -> None:
        self.count = 0
        self.period = period
        self.value = 0.0
        self.weight = 2.0 / float(period + 1)

    def add(self, number: float) -> float:
        """Return the average with `number`, NaN for the first `period` - 1."""
        if number != number:
            return number
        if self.count >= self.period:
            self.value += self.weight * (number - self.value)
            return self.value
        self.count += 1
        self.value += (number - self.value) / float(self.count)
        if self.count < self.period:
            return nan
        return self.value


class WilderMean:
    """Wilder's average, which moves by 1 / period of each distance, seeded with the mean of the first `period`."""

    __slots__ = ("count", "period", "value")
    count: int
    period: int
    value: float

    def __init__(self, period: int) -> None:
        self.count = 0
        self.period = period
        self.value = 0.0

    def add(self, number: float) -> float:
        """Return the average with `number`, NaN for the first `period` - 1."""
        if number != number:
            return number
        if self.count < self.period:
            self.count += 1
        self.value += (number - self.value) / float(self.count)
        if self.count < self.period:
            return nan
        return self.value


class WindowMean:
    """The mean of the last `period` numbers."""

    __slots__ = ("period", "window")
    period: int
    window: RunningSum

    def __init__(self, period: int) -> None:
        self.period = period
        self.window = RunningSum(period)

    def add(self, number: float) -> float:
        """Return the mean with `number`, NaN for the first `period` - 1."""
        if number != number:
            return number
        window = self.window
        window.push(number)
        if window.ring.count < self.period:
            return nan
        return window.mean()


def place_in_range(number: float, low: float, high: float) -> float:
    """Return where `number` lies from `low` (0) to `high` (100); 0 where they are equal, as TA-Lib STOCH."""
    if high == low:
        return 0.0
    return 100.0 * ((number - low) / (high - low))


def true_range(bar: Bar, last_close: float) -> float:
    """Return how far price went from the last close on, in the units of price."""
    return max(bar.high, last_close) - min(bar.low, last_close)


def money_flow(bar: Bar) -> float:
    """Return the bar's volume times where it closed in its range: -1 at the low, 1 at the high; 0 without a range."""
    if bar.high == bar.low:
        return 0.0
    return ((bar.close - bar.low) - (bar.high - bar.close)) / (bar.high - bar.low) * bar.volume
