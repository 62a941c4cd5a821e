"""Spread."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.indicators.kind import quoted
from papertape.indicators.measures import QuoteMeasure


class SpreadPct(QuoteMeasure):
    """Distance of the ask from the bid, in percent of the mid price; negative in a crossed book."""

    __slots__ = ()

    def _result(self) -> float:
        return (self.ask - self.bid) / ((self.ask + self.bid) / 2.0) * 100.0


KIND = quoted(
    SpreadPct,
    name="spread_pct",
    meaning="Cost of crossing the spread, in percent of the mid price.",
    formula="(ask - bid) / ((ask + bid) / 2) * 100",
    unit="%",
)
