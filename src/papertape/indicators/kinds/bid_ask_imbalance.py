"""Sizes at the touch."""

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.kind import IndicatorKind
from papertape.indicators.measures import QuoteMeasure


class BidAskImbalance(QuoteMeasure):
    """From -1 (only sellers wait at the touch) to 1 (only buyers)."""

    __slots__ = ()

    def _result(self) -> float | str:
        return (self._bid_size - self._ask_size) / (self._bid_size + self._ask_size)


def _make(params: Mapping[str, float]) -> BidAskImbalance:  # noqa: ARG001 - it has no parameters
    return BidAskImbalance()


KIND = IndicatorKind(
    name="bid_ask_imbalance",
    meaning="Who waits at the best prices: 1 only buyers, -1 only sellers.",
    formula="(bid_size - ask_size) / (bid_size + ask_size)",
    source="papertape, specification of windowed measures",
    unit="ratio",
    params=(),
    inputs=("quotes",),
    make=_make,
)
