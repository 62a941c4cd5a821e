"""Spread."""

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.kind import IndicatorKind
from papertape.indicators.measures import QuoteMeasure


class SpreadPct(QuoteMeasure):
    """Distance of the ask from the bid, in percent of the mid price; negative in a crossed book."""

    __slots__ = ()

    def _result(self) -> float | str:
        return (self._ask - self._bid) / ((self._ask + self._bid) / 2.0) * 100.0


def _make(params: Mapping[str, float]) -> SpreadPct:  # noqa: ARG001 - it has no parameters
    return SpreadPct()


KIND = IndicatorKind(
    name="spread_pct",
    meaning="Cost of crossing the spread, in percent of the mid price.",
    formula="(ask - bid) / ((ask + bid) / 2) * 100",
    source="papertape, specification of windowed measures",
    unit="%",
    params=(),
    inputs=("quotes",),
    make=_make,
)
