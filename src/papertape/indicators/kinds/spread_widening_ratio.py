"""Spread against what it was."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping
from math import nan

from papertape.indicators.kind import WINDOWED, IndicatorKind, seconds
from papertape.indicators.measures import QuotePath, micros


class SpreadWidening(QuotePath):
    """The newest spread over the time-weighted mean spread."""

    __slots__ = ()

    def _weight(self) -> int:
        return self.prints.ask - self.prints.bid

    def _compared(self) -> float:
        mean = self.path.average(self.now)
        return float(self.newest) / mean if mean > 0.0 else nan

    def _missing_words(self) -> str:
        return "the mean spread is not above zero"


def _make(params: Mapping[str, float]) -> SpreadWidening:
    return SpreadWidening(micros(params["t1"]))


KIND = IndicatorKind(
    name="spread_widening_ratio",
    meaning="How many times its usual width the spread is now.",
    formula="(ask - bid) / time-weighted mean of (ask - bid) over the last t1; history begins anew after a gap and "
    "where a side of the book is empty",
    source=WINDOWED,
    unit="x",
    params=(seconds("t1", 300.0, "length of the window of the mean"),),
    inputs=("quotes",),
    make=_make,
)
