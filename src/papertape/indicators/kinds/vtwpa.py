"""Volume- and time-weighted average price."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from math import nan

from papertape.indicators.kind import windowed
from papertape.indicators.measures import TradeMeasure, window_words
from papertape.indicators.paths import SIZE, TURNOVER, PathSpan


class Vtwpa(TradeMeasure):
    """The average price of the window, each trade weighted by its size and by how long its price lasted."""

    __slots__ = ("sizes", "turnover")

    sizes: PathSpan
    turnover: PathSpan

    def __init__(self, t1: int, t2: int) -> None:
        TradeMeasure.__init__(self, t1)
        self.sizes = PathSpan(SIZE, t1, t2)
        self.turnover = PathSpan(TURNOVER, t1, t2)
        self.watch(self.sizes)
        self.watch(self.turnover)

    def _result(self) -> float:
        sizes = self.sizes.area(self.now)
        return self.turnover.area(self.now) / (sizes * self.prints.price_scale) if sizes > 0.0 else nan

    def _why(self) -> str:
        return f"no volume {window_words(self.sizes)}"


KIND = windowed(
    Vtwpa,
    name="vtwpa",
    meaning="Average price of the window, weighted by volume and time.",
    formula="sum(price * size * duration) / sum(size * duration) over (t1, t2), with the durations of twpa",
    unit="quote",
    t1=300.0,
)
