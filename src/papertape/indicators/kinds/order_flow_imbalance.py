"""Buying against selling aggression."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from math import nan

from papertape.indicators.kind import windowed
from papertape.indicators.measures import TradeMeasure, window_words
from papertape.indicators.windows import SumSpan


class OrderFlowImbalance(TradeMeasure):
    """From -1 (all volume sold into the bid) to 1 (all bought from the ask)."""

    __slots__ = ("window",)

    window: SumSpan

    def __init__(self, t1: int, t2: int) -> None:
        TradeMeasure.__init__(self, t1)
        self.window = SumSpan(t1, t2)
        self.watch(self.window)

    def _result(self) -> float:
        return float(self.window.net) / float(self.window.volume) if self.window.volume > 0 else nan

    def _why(self) -> str:
        return f"no volume {window_words(self.window)}"


KIND = windowed(
    OrderFlowImbalance,
    name="order_flow_imbalance",
    meaning="Who is more aggressive: 1 all buyers, -1 all sellers.",
    formula="(buy - sell) / (buy + sell), aggressor volume in (t1, t2)",
    unit="ratio",
)
