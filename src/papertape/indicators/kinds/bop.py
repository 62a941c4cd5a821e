"""Balance of power."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind


class Bop(BarMeasure):
    """The bar's move from open to close over its range, -1 to 1; 0 without a range."""

    __slots__ = ()

    def _take(self, bar: Bar) -> None:
        span = bar.high - bar.low
        self.result = (bar.close - bar.open) / span if span > 0.0 else 0.0


KIND = IndicatorKind(
    name="bop",
    meaning="How much of the last bar's range buyers (up to 1) or sellers (down to -1) won.",
    formula="(close - open) / (high - low); 0 without a range",
    source="I. Livshin (2001); equal to TA-Lib BOP",
    unit="ratio",
    params=(INTERVAL,),
    inputs=("bars",),
    make=lambda params: Bop(1),  # noqa: ARG005 - it has no parameters of its own
)
