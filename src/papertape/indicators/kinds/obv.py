"""On-balance volume."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind
from papertape.indicators.ring import LongSum


class Obv(BarMeasure):
    """The volume of bars that closed higher less that of bars that closed lower, since the first."""

    __slots__ = ("last", "total")
    last: float
    total: LongSum

    def __init__(self) -> None:
        BarMeasure.__init__(self, 1)
        self.last = 0.0
        self.total = LongSum()

    def _take(self, bar: Bar) -> None:
        if self.have == 1 or bar.close > self.last:
            self.total.add(bar.volume)
        elif bar.close < self.last:
            self.total.add(-bar.volume)
        self.last = bar.close
        self.result = self.total.value()


KIND = IndicatorKind(
    name="obv",
    meaning="Volume of rising closes less that of falling ones, since the first bar; its course counts, not its level.",
    formula="OBV + volume where close rose, OBV - volume where it fell; begun with the first bar's volume",
    source="J. Granville (1963); begun as TA-Lib OBV",
    unit="base",
    params=(INTERVAL,),
    inputs=("bars",),
    make=lambda params: Obv(),  # noqa: ARG005 - it has no parameters of its own
)
