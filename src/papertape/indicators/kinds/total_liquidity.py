"""Money waiting at the touch."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.indicators.kind import quoted
from papertape.indicators.measures import QuoteMeasure


class TotalLiquidity(QuoteMeasure):
    """What the best bid and the best ask are worth together."""

    __slots__ = ()

    def _result(self) -> float:
        return self.bid * self.bid_size + self.ask * self.ask_size


KIND = quoted(
    TotalLiquidity,
    name="total_liquidity",
    meaning="Money waiting at the best prices, both sides.",
    formula="bid * bid_size + ask * ask_size, at the touch only",
    unit="quote",
)
