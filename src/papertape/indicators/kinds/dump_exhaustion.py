"""Whether a fall has run its course."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping
from math import nan

from papertape.indicators.kind import WINDOWED, IndicatorKind, seconds
from papertape.indicators.measures import TradeMeasure, micros, no_trades, window_words
from papertape.indicators.windows import ExtremeSpan, SumSpan


class DumpExhaustion(TradeMeasure):
    """Recovery from the low, buyers' share and fading sales, each from 0 to 1, weighted 40, 30 and 30."""

    __slots__ = ("high", "low", "quarter", "window")

    low: ExtremeSpan
    high: ExtremeSpan
    window: SumSpan
    quarter: SumSpan

    def __init__(self, window: int) -> None:
        TradeMeasure.__init__(self, window)
        self.low = ExtremeSpan(1, window)
        self.high = ExtremeSpan(-1, window)
        self.window = SumSpan(window)
        self.quarter = SumSpan(max(window // 4, 1))
        self.watch(self.low)
        self.watch(self.high)
        self.watch(self.window)
        self.watch(self.quarter)

    def _result(self) -> float:
        if self.low.count() == 0 or self.high.first() == self.low.first():
            return nan
        low, window, quarter = self.low.first(), self.window, self.quarter
        recovered = float(self.low.last() - low) / float(self.high.first() - low)
        buyers = (1.0 + float(quarter.net) / float(quarter.volume)) / 2.0 if quarter.volume > 0 else 0.5
        sold, sold_lately = float(window.volume - window.net), float(quarter.volume - quarter.net)
        faded = 1.0 - 4.0 * sold_lately / sold if sold > 0.0 else 1.0
        return 40.0 * recovered + 30.0 * buyers + 30.0 * (max(0.0, faded))

    def _why(self) -> str:
        if self.low.count() == 0:
            return no_trades(self.low)
        return f"the price has not moved {window_words(self.low)}"


def _make(params: Mapping[str, float]) -> DumpExhaustion:
    return DumpExhaustion(micros(params["window"]))


KIND = IndicatorKind(
    name="dump_exhaustion",
    meaning="Whether a fall has run its course, from 0 (selling on at the low) to 100.",
    formula="40 * (last - min) / (max - min) + 30 * B + 30 * max(0, 1 - 4 * S_q / S), B the buyers' share "
    "of the volume of the window's newest quarter (0.5 without any), S and S_q volume sold in all and in that quarter",
    source=WINDOWED,
    unit="points",
    params=(seconds("window", 300.0, "length of the window with the fall"),),
    inputs=("trades",),
    make=_make,
)
