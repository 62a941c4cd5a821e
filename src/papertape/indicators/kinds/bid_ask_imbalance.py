"""Sizes at the touch."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.indicators.kind import quoted
from papertape.indicators.measures import QuoteMeasure


class BidAskImbalance(QuoteMeasure):
    """From -1 (only sellers wait at the touch) to 1 (only buyers)."""

    __slots__ = ()

    def _result(self) -> float:
        return (self.bid_size - self.ask_size) / (self.bid_size + self.ask_size)


KIND = quoted(
    BidAskImbalance,
    name="bid_ask_imbalance",
    meaning="Who waits at the best prices: 1 only buyers, -1 only sellers.",
    formula="(bid_size - ask_size) / (bid_size + ask_size)",
    unit="ratio",
)
