"""Whether trades come in bursts."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from math import nan

from papertape.indicators.kind import windowed
from papertape.indicators.measures import TradeMeasure, window_words
from papertape.indicators.moments import MomentSpan


class TradeClustering(TradeMeasure):
    """Burstiness of the times between trades: -1 as regular as a clock, 0 at random, towards 1 in bursts."""

    __slots__ = ("window",)

    window: MomentSpan

    def __init__(self, t1: int, t2: int) -> None:
        TradeMeasure.__init__(self, t1)
        self.window = MomentSpan(True, t1, t2)
        self.watch(self.window)

    def _result(self) -> float:
        if self.window.total <= 0:
            return nan
        mean, deviation = self.window.mean(), self.window.deviation()
        return (deviation - mean) / (deviation + mean)

    def _why(self) -> str:
        words = window_words(self.window)
        return f"all trades at one instant {words}" if self.window.number else f"fewer than two trades {words}"


KIND = windowed(
    TradeClustering,
    name="trade_clustering",
    meaning="Whether trades come in bursts: -1 evenly, 0 at random, towards 1 in bursts.",
    formula="(s - m) / (s + m), m mean and s population standard deviation of the times between neighbouring trades in "
    "(t1, t2) (burstiness: Goh and Barabasi, 2008)",
    unit="ratio",
)
