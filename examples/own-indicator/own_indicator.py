"""Two indicators of one's own: one over bars, and one over trades."""

from __future__ import annotations

from math import nan

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.indicator import Indicator
from papertape.indicators.kind import INTERVAL, IndicatorKind, period


class PlainChange(BarMeasure):
    """The change of the close in percent: the same as papertape's own `roc`, written as one would at first."""

    __slots__ = ("closes", "length")

    def __init__(self, length: int) -> None:
        super().__init__(length + 1)
        self.length = length
        self.closes: list[float] = []

    def _take(self, bar: Bar) -> None:
        self.closes.append(bar.close)
        if len(self.closes) <= self.length:
            return
        earlier = self.closes.pop(0)
        self.result = 0.0 if earlier == 0.0 else (bar.close - earlier) / earlier * 100.0


class TradeJump(Indicator):
    """The distance of a trade's price from that of the trade before, in percent."""

    __slots__ = ("price",)

    def __init__(self) -> None:
        super().__init__()
        self.price = nan

    def on_trade(self, ts: int, price: float, lots: int) -> None:  # noqa: ARG002 - only the price counts
        """Take one public print."""
        self.now = max(self.now, ts)
        if self.price > 0.0:
            self.current = (price - self.price) / self.price * 100.0
        self.price = price

    def missing(self, ts: int) -> str:  # noqa: ARG002 - the same at any time
        """Return why there is no value."""
        return "no two trades yet"


KINDS = (
    IndicatorKind(
        name="plain_change_pct",
        meaning="How much the close has changed, in percent.",
        formula="(close - C) / C * 100, C the close of period bars ago; 0 where C is 0",
        source="examples/own-indicator",
        unit="%",
        params=(period(10), INTERVAL),
        inputs=("bars",),
        make=lambda params: PlainChange(int(params["period"])),
    ),
    IndicatorKind(
        name="trade_jump_pct",
        meaning="How far a trade is from the one before, in percent.",
        formula="(price - P) / P * 100, P the price of the trade before",
        source="examples/own-indicator",
        unit="%",
        params=(),
        inputs=("trades",),
        make=lambda _: TradeJump(),
    ),
)
