"""Simple moving average of traded prices."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping
from math import nan

from papertape.indicators.indicator import Indicator, Warmup, warming_up
from papertape.indicators.kind import WINDOWED, IndicatorKind, trades
from papertape.indicators.prints import TOO_LARGE, Prints

_NO_PRINTS = Prints(0, 0)


class TradeSma(Indicator):
    """The mean of the last `period` prices, from an exact running sum.

    A price so large that as many could pass 2**62 counts as nothing, and there is no value while it is among the last.
    """

    __slots__ = ("have", "largest", "period", "prints", "scale", "spoiled", "total")

    period: int
    have: int
    largest: int
    total: int
    spoiled: int
    scale: float
    prints: Prints

    def __init__(self, period: int) -> None:
        Indicator.__init__(self)
        self.period = period
        self.have = 0
        self.largest = TOO_LARGE // period
        self.total = 0
        self.spoiled = 0
        self.scale = 1.0
        self.prints = _NO_PRINTS

    def attach(self, prints: Prints) -> None:
        """Look at the prints of the instrument, from the next one on."""
        self.prints = prints
        self.scale = float(self.period) * prints.price_scale
        prints.keep(0, self.period + 1)

    def on_trade(self, ts: int, price: float, lots: int) -> None:  # noqa: ARG002 - it sums the integers attached
        """Take the newest public print of those attached."""
        self.now = ts
        prints = self.prints
        units = prints.units[(prints.head - 1) & prints.mask]
        if units < self.largest:
            self.total += units
        else:
            self.spoiled = self.period
        if self.have == self.period:
            units = prints.units[(prints.head - 1 - self.period) & prints.mask]
            if units < self.largest:
                self.total -= units
        else:
            self.have += 1
        if self.spoiled > 0:
            self.spoiled -= 1
            self.current = nan
        elif self.have == self.period:
            self.current = float(self.total) / self.scale

    def warmup(self, ts: int) -> Warmup:  # noqa: ARG002 - trades count, not time
        """Return the trades seen of those needed."""
        return Warmup(float(self.have), float(self.period), "trades")

    def missing(self, ts: int) -> str:
        """Return why there is no value."""
        if self.have < self.period:
            return warming_up(self.warmup(ts)) if self.have else "no trades yet"
        return f"a price of the last {self.period} trades is too large to be summed"


def _make(params: Mapping[str, float]) -> TradeSma:
    return TradeSma(int(params["period"]))


KIND = IndicatorKind(
    name="trade_sma",
    meaning="Mean of the last traded prices.",
    formula="sum(price) / period over the last period trades",
    source=WINDOWED,
    unit="quote",
    params=(trades(100),),
    inputs=("trades",),
    make=_make,
)
