"""How much of a move has been taken back."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping
from math import nan

from papertape.indicators.kind import WINDOWED, IndicatorKind, seconds
from papertape.indicators.measures import ZERO_PRICE, TradeMeasure, micros
from papertape.indicators.windows import Trail
from papertape.model.buffers import ints


class MomentumReversal(TradeMeasure):
    """The newest move over the move before it, when they point in opposite directions, else 0."""

    __slots__ = ("trail",)

    trail: Trail

    def __init__(self, window: int, before: int) -> None:
        TradeMeasure.__init__(self, window + before)
        lags = ints(3)
        lags[1] = window
        lags[2] = window + before
        self.trail = Trail(lags)
        self.watch(self.trail)

    def _result(self) -> float:
        trail = self.trail
        if trail.units[1] <= 0 or trail.units[2] <= 0:
            return nan
        new = float(trail.units[0] - trail.units[1]) / float(trail.units[1])
        old = float(trail.units[1] - trail.units[2]) / float(trail.units[2])
        if (new > 0.0 and old < 0.0) or (new < 0.0 and old > 0.0):
            return -new / old
        return 0.0

    def _why(self) -> str:
        return ZERO_PRICE


def _make(params: Mapping[str, float]) -> MomentumReversal:
    return MomentumReversal(micros(params["window"]), micros(params["before"]))


KIND = IndicatorKind(
    name="momentum_reversal",
    meaning="How much of the move before the newest window has been taken back: 0 none, 1 about all.",
    formula="-B / A when A and B differ in sign, else 0; B the relative change of the standing price over the last "
    "window, A that over `before` seconds before it",
    source=WINDOWED,
    unit="x",
    params=(
        seconds("window", 15.0, "length of the newest move"),
        seconds("before", 60.0, "length of the move before it"),
    ),
    inputs=("trades",),
    make=_make,
)
