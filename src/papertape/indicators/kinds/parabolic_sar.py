"""Parabolic stop and reverse."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, factor


class ParabolicSar(BarMeasure):
    """A stop that closes in on the price, faster with each new extreme, and changes sides when the price touches it."""

    __slots__ = ("_acceleration", "_extreme", "_high", "_is_long", "_low", "_maximum", "_speed", "_stop")

    _acceleration: float
    _maximum: float
    _speed: float
    _extreme: float
    _stop: float
    _high: float
    _low: float
    _is_long: bool

    def __init__(self, acceleration: float, maximum: float) -> None:
        BarMeasure.__init__(self, 2)
        self._acceleration = min(acceleration, maximum)
        self._maximum = maximum
        self._speed = self._acceleration
        self._extreme = 0.0
        self._stop = 0.0
        self._high = 0.0
        self._low = 0.0
        self._is_long = True

    def _take(self, bar: Bar) -> None:
        last_high = self._high
        last_low = self._low
        self._high = bar.high
        self._low = bar.low
        if self.have == 1:
            return
        if self.have == 2:
            fall = last_low - bar.low
            self._is_long = not (fall > 0.0 and fall > bar.high - last_high)
            self._extreme = bar.high if self._is_long else bar.low
            self._stop = last_low if self._is_long else last_high
            # The second bar has none before it that may hold the stop back.
            last_high = bar.high
            last_low = bar.low
        is_passed = bar.low <= self._stop if self._is_long else bar.high >= self._stop
        if is_passed:
            self._is_long = not self._is_long
            self._stop = self._extreme
            self._hold(last_high, last_low)
            self._speed = self._acceleration
            self._extreme = bar.high if self._is_long else bar.low
            self.result = self._stop
        else:
            self.result = self._stop
            if bar.high > self._extreme if self._is_long else bar.low < self._extreme:
                self._extreme = bar.high if self._is_long else bar.low
                self._speed = min(self._speed + self._acceleration, self._maximum)
        self._stop += self._speed * (self._extreme - self._stop)
        self._hold(last_high, last_low)

    def _hold(self, last_high: float, last_low: float) -> None:
        # Never inside the last two bars.
        if self._is_long:
            self._stop = min(self._stop, last_low, self._low)
        else:
            self._stop = max(self._stop, last_high, self._high)


def _make(params: Mapping[str, float]) -> ParabolicSar:
    return ParabolicSar(params["acceleration"], params["maximum"])


KIND = IndicatorKind(
    name="parabolic_sar",
    meaning="Stop that closes in on the price, and changes sides when the price touches it.",
    formula="SAR += AF * (EP - SAR), held out of the last two bars; EP the extreme of the trend, AF acceleration more "
    "at each new one up to maximum; touched, it becomes EP. Begins with the second bar, from the first bar's high or "
    "low: falling where the low fell, by more than the high rose",
    source="J. W. Wilder, New Concepts in Technical Trading Systems (1978); equal to TA-Lib SAR",
    unit="quote",
    params=(
        factor("acceleration", 0.02, "step of the acceleration factor", maximum=1.0),
        factor("maximum", 0.2, "most of the acceleration factor", maximum=1.0),
        INTERVAL,
    ),
    inputs=("bars",),
    make=_make,
)
