"""Money flow index."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, period
from papertape.indicators.ring import RunningSum

STILL = 2e-15


class Mfi(BarMeasure):
    """The share of turnover on bars whose typical price rose, 0 to 100; 50 when no bar with volume rose or fell."""

    __slots__ = ("falling", "last", "rising")
    falling: RunningSum
    last: float
    rising: RunningSum

    def __init__(self, period: int) -> None:
        BarMeasure.__init__(self, period + 1)
        self.falling = RunningSum(period)
        self.last = 0.0
        self.rising = RunningSum(period)

    def _take(self, bar: Bar) -> None:
        typical = (bar.high + bar.low + bar.close) / 3.0
        last = self.last
        self.last = typical
        if self.have == 1:
            return
        turnover = typical * bar.volume
        # Equal means of other prices differ by their rounding, which is no change.
        least = STILL * last
        self.rising.push(turnover if typical - last > least else 0.0)
        self.falling.push(turnover if last - typical > least else 0.0)
        rising = max(self.rising.value(), 0.0)
        total = rising + max(self.falling.value(), 0.0)
        self.result = 100.0 * (rising / total) if total > 0.0 else 50.0


KIND = IndicatorKind(
    name="mfi",
    meaning="Share of rising bars in turnover: an RSI weighted by volume.",
    formula="100 * R / (R + F), R and F the sums of TP * volume over bars of the last period whose TP rose or fell, "
    "TP = (high + low + close) / 3",
    source="G. Quong and A. Soudack (1989); equal to TA-Lib MFI, but 50 without turnover, and exact below a "
    "turnover of 1, where that gives 0",
    unit="index",
    params=(period(14), INTERVAL),
    inputs=("bars",),
    make=lambda params: Mfi(int(params["period"])),
)
