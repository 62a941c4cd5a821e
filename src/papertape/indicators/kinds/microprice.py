"""Mid price that leans to the side with less size."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.indicators.kind import quoted
from papertape.indicators.measures import QuoteMeasure


class Microprice(QuoteMeasure):
    """Each side's price weighted by the size of the other side."""

    __slots__ = ()

    def _result(self) -> float:
        return (self.bid * self.ask_size + self.ask * self.bid_size) / (self.bid_size + self.ask_size)


KIND = quoted(
    Microprice,
    name="microprice",
    meaning="Where the next trade is likelier: nearer to the ask the more buyers wait.",
    formula="(bid * ask_size + ask * bid_size) / (bid_size + ask_size)",
    unit="quote",
)
