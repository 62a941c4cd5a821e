"""Mid price."""

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.kind import IndicatorKind
from papertape.indicators.measures import QuoteMeasure


class MidPrice(QuoteMeasure):
    """Halfway between bid and ask."""

    __slots__ = ()

    def _result(self) -> float | str:
        return (self._bid + self._ask) / 2.0


def _make(params: Mapping[str, float]) -> MidPrice:  # noqa: ARG001 - it has no parameters
    return MidPrice()


KIND = IndicatorKind(
    name="mid_price",
    meaning="Halfway between the best bid and the best ask.",
    formula="(bid + ask) / 2",
    source="papertape, specification of windowed measures",
    unit="quote",
    params=(),
    inputs=("quotes",),
    make=_make,
)
