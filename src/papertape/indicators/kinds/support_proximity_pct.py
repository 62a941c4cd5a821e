"""Distance to the price that held."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from math import nan

from papertape.indicators.kind import windowed
from papertape.indicators.measures import ZERO_PRICE, TradeMeasure, no_trades, percent_change
from papertape.indicators.windows import ExtremeSpan, LatestSpan

_FOR_EVER = 1 << 61


class SupportProximity(TradeMeasure):
    """Percent from the lowest price of the window up to the newest price; negative once it is broken."""

    __slots__ = ("latest", "low")

    latest: LatestSpan
    low: ExtremeSpan

    def __init__(self, t1: int, t2: int) -> None:
        TradeMeasure.__init__(self, t1)
        self.low = ExtremeSpan(1, t1, t2)
        self.latest = LatestSpan(_FOR_EVER)
        self.watch(self.low)
        self.watch(self.latest)

    def _result(self) -> float:
        if self.low.count() == 0:
            return nan
        return percent_change(float(self.latest.units), float(self.low.first()))

    def _why(self) -> str:
        return ZERO_PRICE if self.low.count() else no_trades(self.low)


KIND = windowed(
    SupportProximity,
    name="support_proximity_pct",
    meaning="How far the price stands above the low that held before; negative once it is broken.",
    formula="(price - support) / support * 100, price of the newest trade, support = min_price(t1, t2)",
    unit="%",
    t1=900.0,
)
