"""How long the price has kept its direction."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.kind import WINDOWED, IndicatorKind, seconds
from papertape.indicators.measures import TradeMeasure, micros
from papertape.indicators.windows import Trail
from papertape.model.buffers import ints

_STEPS = 10


class MomentumStreak(TradeMeasure):
    """Steps of equal length, counted back from now, over which the price moved as over the newest one; signed."""

    __slots__ = ("trail",)

    trail: Trail

    def __init__(self, step: int) -> None:
        TradeMeasure.__init__(self, _STEPS * step)
        lags = ints(_STEPS + 1)
        for i in range(_STEPS + 1):
            lags[i] = i * step
        self.trail = Trail(lags)
        self.watch(self.trail)

    def _result(self) -> float:
        sign = self.trail.sign(0, 1)
        if sign == 0:
            return 0.0
        steps = 1
        while steps < _STEPS and self.trail.sign(steps, steps + 1) == sign:
            steps += 1
        return float(sign * steps)


def _make(params: Mapping[str, float]) -> MomentumStreak:
    return MomentumStreak(micros(params["step"]))


KIND = IndicatorKind(
    name="momentum_streak",
    meaning="For how many steps in a row the price has risen (above 0) or fallen (below 0); 10 at most.",
    formula="the number of newest consecutive steps [i * step, (i + 1) * step) back from now with the sign of the "
    "newest one's change of standing price, times that sign; 0 when the newest step did not move",
    source=WINDOWED,
    unit="steps",
    params=(seconds("step", 5.0, "length of a step; ten are looked at", minimum=0.001, maximum=8_640.0),),
    inputs=("trades",),
    make=_make,
)
