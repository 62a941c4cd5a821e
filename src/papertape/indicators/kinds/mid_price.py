"""Mid price."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.indicators.kind import quoted
from papertape.indicators.measures import QuoteMeasure


class MidPrice(QuoteMeasure):
    """Halfway between bid and ask."""

    __slots__ = ()

    def _result(self) -> float:
        return (self.bid + self.ask) / 2.0


KIND = quoted(
    MidPrice,
    name="mid_price",
    meaning="Halfway between the best bid and the best ask.",
    formula="(bid + ask) / 2",
    unit="quote",
)
