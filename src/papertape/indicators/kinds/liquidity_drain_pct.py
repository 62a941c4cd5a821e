"""Money leaving the touch."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping
from math import nan

from papertape.indicators.indicator import BEFORE_ALL
from papertape.indicators.kind import WINDOWED, IndicatorKind, seconds
from papertape.indicators.measures import QuotePath, micros


class LiquidityDrain(QuotePath):
    """Fall of the liquidity at the touch below its time-weighted mean, in percent; negative above the mean."""

    __slots__ = ()

    def _weight(self) -> int:
        prints = self.prints
        bid, ask = float(prints.bid) * float(prints.bid_lots), float(prints.ask) * float(prints.ask_lots)
        # 2**61 leaves the rounding of the products in float64 its room.
        if bid + ask > 2305843009213693952.0:
            return BEFORE_ALL
        return prints.bid * prints.bid_lots + prints.ask * prints.ask_lots

    def _compared(self) -> float:
        mean = self.path.average(self.now)
        return (mean - float(self.newest)) / mean * 100.0 if mean > 0.0 else nan


def _make(params: Mapping[str, float]) -> LiquidityDrain:
    return LiquidityDrain(micros(params["t1"]))


KIND = IndicatorKind(
    name="liquidity_drain_pct",
    meaning="How much of the usual money at the best prices has gone.",
    formula="(mean - L) / mean * 100 with L = bid * bid_size + ask * ask_size at the touch and its time-weighted "
    "mean over the last t1; history begins anew after a gap and where a side of the book is empty",
    source=WINDOWED,
    unit="%",
    params=(seconds("t1", 300.0, "length of the window of the mean"),),
    inputs=("quotes",),
    make=_make,
)
