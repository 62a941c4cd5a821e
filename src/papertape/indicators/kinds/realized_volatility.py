"""How much the price has moved, to and fro."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from math import sqrt

from papertape.indicators.kind import windowed
from papertape.indicators.measures import TradeMeasure
from papertape.indicators.moments import ReturnSpan


class RealizedVolatility(TradeMeasure):
    """Square root of the summed squared returns from trade to trade; 0 without a move."""

    __slots__ = ("window",)

    window: ReturnSpan

    def __init__(self, t1: int, t2: int) -> None:
        TradeMeasure.__init__(self, t1)
        self.window = ReturnSpan(t1, t2)
        self.watch(self.window)

    def _result(self) -> float:
        return sqrt(self.window.squares()) * 100.0


KIND = windowed(
    RealizedVolatility,
    name="realized_volatility",
    meaning="How much the price has moved over the window, to and fro.",
    formula="sqrt(sum(ln(price / previous price)^2)) * 100 over neighbouring trades in (t1, t2)",
    unit="%",
)
