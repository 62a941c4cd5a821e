"""Whether short and long moves agree."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.kind import WINDOWED, IndicatorKind, factor
from papertape.indicators.measures import SECOND, TradeMeasure
from papertape.indicators.windows import Trail
from papertape.model.buffers import ints


class VelocityCascade(TradeMeasure):
    """The share of five windows in which the price rose less the share in which it fell."""

    __slots__ = ("trail",)

    trail: Trail

    def __init__(self, scale: float) -> None:
        lags = ints(6)
        for i, seconds in enumerate((0, 30, 60, 120, 300, 600)):
            lags[i] = round(seconds * scale * SECOND)
        TradeMeasure.__init__(self, lags[5])
        self.trail = Trail(lags)
        self.watch(self.trail)

    def _result(self) -> float:
        agreed = 0
        for i in range(1, 6):
            agreed += self.trail.sign(0, i)
        return float(agreed) / 5.0


def _make(params: Mapping[str, float]) -> VelocityCascade:
    return VelocityCascade(params["scale"])


KIND = IndicatorKind(
    name="velocity_cascade",
    meaning="Whether short and long moves agree: 1 the price rose over all five windows, -1 it fell over all.",
    formula="mean of sign(price - price standing w ago) over w = 30, 60, 120, 300, 600 s times scale",
    source=WINDOWED,
    unit="ratio",
    params=(factor("scale", 1.0, "multiplies the five windows", minimum=0.001, maximum=144.0),),
    inputs=("trades",),
    make=_make,
)
