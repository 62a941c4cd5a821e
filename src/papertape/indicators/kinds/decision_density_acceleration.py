"""Whether decisions to trade come faster."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.kind import WINDOWED, IndicatorKind, seconds
from papertape.indicators.measures import TradeMeasure, micros
from papertape.indicators.moments import RunSpan


class DecisionDensityAcceleration(TradeMeasure):
    """Decisions a second in the newest window less those in the window before it, over the window's length.

    One order often fills against several others at once: neighbouring trades of one instant and side are one decision.
    """

    __slots__ = ("before", "newest")

    newest: RunSpan
    before: RunSpan

    def __init__(self, window: int) -> None:
        TradeMeasure.__init__(self, 2 * window)
        self.newest = RunSpan(window)
        self.before = RunSpan(2 * window, window)
        self.watch(self.newest)
        self.watch(self.before)

    def _result(self) -> float:
        length = float(self.newest.t1) / 1e6
        return float(self.newest.runs() - self.before.runs()) / (length * length)


def _make(params: Mapping[str, float]) -> DecisionDensityAcceleration:
    return DecisionDensityAcceleration(micros(params["window"]))


KIND = IndicatorKind(
    name="decision_density_acceleration",
    meaning="Whether decisions to trade come faster (above 0) or slower; trades of one instant and side are one.",
    formula="(D(window, 0) - D(2 window, window)) / window^2, D = runs of trades of equal time and side",
    source=WINDOWED,
    unit="1/s^2",
    params=(seconds("window", 30.0, "length of both windows"),),
    inputs=("trades",),
    make=_make,
)
