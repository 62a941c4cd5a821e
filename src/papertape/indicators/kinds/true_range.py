"""True range."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind
from papertape.indicators.smoothing import true_range


class TrueRange(BarMeasure):
    """The range of a bar, stretched to the close before it; none for the first bar."""

    __slots__ = ("_last",)

    _last: float

    def __init__(self) -> None:
        BarMeasure.__init__(self, 2)
        self._last = 0.0

    def _take(self, bar: Bar) -> None:
        self.result = true_range(bar, self._last)
        self._last = bar.close


def _make(params: Mapping[str, float]) -> TrueRange:  # noqa: ARG001 - it has none but the interval
    return TrueRange()


KIND = IndicatorKind(
    name="true_range",
    meaning="Size of the last bar, the gap before it included.",
    formula="max(high, previous close) - min(low, previous close), from the second bar on",
    source="J. W. Wilder, New Concepts in Technical Trading Systems (1978); equal to TA-Lib TRANGE",
    unit="quote",
    params=(INTERVAL,),
    inputs=("bars",),
    make=_make,
)
