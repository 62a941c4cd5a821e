"""Price over its time-weighted average."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from math import nan

from papertape.indicators.kind import windowed
from papertape.indicators.measures import ZERO_PRICE, TradeMeasure
from papertape.indicators.paths import PRICE, PathSpan
from papertape.indicators.windows import LatestSpan

_FOR_EVER = 1 << 61


class TwpaRatio(TradeMeasure):
    """The newest price over the time-weighted average of the window."""

    __slots__ = ("latest", "path")

    latest: LatestSpan
    path: PathSpan

    def __init__(self, t1: int, t2: int) -> None:
        TradeMeasure.__init__(self, t1)
        self.path = PathSpan(PRICE, t1, t2)
        self.latest = LatestSpan(_FOR_EVER)
        self.watch(self.path)
        self.watch(self.latest)

    def _result(self) -> float:
        average = self.path.average(self.now)
        return float(self.latest.units) / average if average > 0.0 else nan

    def _why(self) -> str:
        return ZERO_PRICE


KIND = windowed(
    TwpaRatio,
    name="twpa_ratio",
    meaning="The newest price against its average: above 1 it stands over it.",
    formula="price of the newest trade / twpa(t1, t2)",
    unit="ratio",
    t1=300.0,
)
