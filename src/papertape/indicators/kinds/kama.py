"""Kaufman's adaptive moving average of closes."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, bars, period
from papertape.indicators.ring import FloatRing, RunningSum


class Kama(BarMeasure):
    """Moves fast when closes go one way, slowly when they go to and fro."""

    __slots__ = ("_changes", "_closes", "_fast", "_slow")

    _closes: FloatRing
    _changes: RunningSum
    _fast: float
    _slow: float

    def __init__(self, period: int, fast: int, slow: int) -> None:
        BarMeasure.__init__(self, period + 1)
        self._closes = FloatRing(period + 1)
        self._changes = RunningSum(period)
        self._fast = 2.0 / (float(fast) + 1.0)
        self._slow = 2.0 / (float(slow) + 1.0)

    def _take(self, bar: Bar) -> None:
        closes = self._closes
        close = bar.close
        last = closes.at(0) if closes.count > 0 else close
        closes.push(close)
        if self.have > 1:
            self._changes.push(abs(close - last))
        if self.have < self.need:
            self.result = close
            return
        net = abs(close - closes.at(closes.capacity - 1))
        path = self._changes.value()
        # A path of no length is the straightest there is, and rounding may not make it straighter than straight.
        efficiency = net / path if path > net else 1.0
        weight = efficiency * (self._fast - self._slow) + self._slow
        self.result += weight * weight * (close - self.result)


def _make(params: Mapping[str, float]) -> Kama:
    return Kama(int(params["period"]), int(params["fast"]), int(params["slow"]))


KIND = IndicatorKind(
    name="kama",
    meaning="Average of closes that follows a trend quickly and a range slowly.",
    formula="KAMA += (ER * (2 / (fast + 1) - 2 / (slow + 1)) + 2 / (slow + 1))^2 * (close - KAMA), ER = |close - "
    "close period bars ago| / sum of |changes| of those bars, 1 when nothing moved; seeded with the close"
    " before the first value",
    source="P. J. Kaufman, Smarter Trading (1995); equal to TA-Lib KAMA",
    unit="quote",
    params=(
        period(10),
        bars("fast", 2, "period of the EMA followed in a trend"),
        bars("slow", 30, "period of the EMA followed in a range"),
        INTERVAL,
    ),
    inputs=("bars",),
    make=_make,
)
