"""Volume."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.indicators.kind import windowed
from papertape.indicators.measures import TradeMeasure
from papertape.indicators.windows import SumSpan


class SumVolume(TradeMeasure):
    """Volume traded in the window; 0 without a trade."""

    __slots__ = ("window",)

    window: SumSpan

    def __init__(self, t1: int, t2: int) -> None:
        TradeMeasure.__init__(self, t1)
        self.window = SumSpan(t1, t2)
        self.watch(self.window)

    def _result(self) -> float:
        return float(self.window.volume) / self.prints.size_scale


KIND = windowed(
    SumVolume,
    name="sum_volume",
    meaning="Volume traded.",
    formula="sum(size) over the trades in (t1, t2)",
    unit="base",
)
