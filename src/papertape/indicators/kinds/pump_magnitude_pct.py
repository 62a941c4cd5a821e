"""Rise from the window's low to its newest price."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from math import nan

from papertape.indicators.kind import windowed
from papertape.indicators.measures import ZERO_PRICE, TradeMeasure, no_trades, percent_change
from papertape.indicators.windows import ExtremeSpan


class PumpMagnitude(TradeMeasure):
    """Percent from the lowest price of the window up to the newest one; 0 at the low."""

    __slots__ = ("window",)

    window: ExtremeSpan

    def __init__(self, t1: int, t2: int) -> None:
        TradeMeasure.__init__(self, t1)
        self.window = ExtremeSpan(1, t1, t2)
        self.watch(self.window)

    def _result(self) -> float:
        if self.window.lo == self.window.hi:
            return nan
        return percent_change(float(self.window.last()), float(self.window.first()))

    def _why(self) -> str:
        return ZERO_PRICE if self.window.count() else no_trades(self.window)


KIND = windowed(
    PumpMagnitude,
    name="pump_magnitude_pct",
    meaning="How far the price has risen from the window's low.",
    formula="(last - min) / min * 100 over the prices traded in (t1, t2)",
    unit="%",
    t1=300.0,
)
