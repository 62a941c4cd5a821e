"""Time-weighted average price."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.indicators.kind import windowed
from papertape.indicators.measures import TradeMeasure
from papertape.indicators.paths import PRICE, PathSpan


class Twpa(TradeMeasure):
    """The average price of the window, each price weighted by how long it lasted."""

    __slots__ = ("path",)

    path: PathSpan

    def __init__(self, t1: int, t2: int) -> None:
        TradeMeasure.__init__(self, t1)
        self.path = PathSpan(PRICE, t1, t2)
        self.watch(self.path)

    def _result(self) -> float:
        return self.path.area(self.now) / (float(self.path.t1 - self.path.t2) * self.prints.price_scale)


KIND = windowed(
    Twpa,
    name="twpa",
    meaning="Average price of the window, weighted by time.",
    formula="sum(price * duration) / sum(duration) over (t1, t2); a price lasts until the next trade or the window's "
    "end, and the price standing at the window's start lasts into it",
    unit="quote",
    t1=300.0,
)
