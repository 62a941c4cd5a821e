"""Vortex indicator: movement up and movement down."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, period
from papertape.indicators.ring import RunningSum
from papertape.indicators.smoothing import true_range


class Vortex(BarMeasure):
    """Movement from each low to the next high (up) or from each high to the next low (down) over the true ranges."""

    __slots__ = ("high", "is_up", "last", "low", "moves", "ranges")
    high: float
    is_up: bool
    last: float
    low: float
    moves: RunningSum
    ranges: RunningSum

    def __init__(self, period: int, is_up: bool) -> None:
        BarMeasure.__init__(self, period + 1)
        self.high = 0.0
        self.is_up = is_up
        self.last = 0.0
        self.low = 0.0
        self.moves = RunningSum(period)
        self.ranges = RunningSum(period)

    def _take(self, bar: Bar) -> None:
        if self.have > 1:
            self.moves.push(abs(bar.high - self.low) if self.is_up else abs(bar.low - self.high))
            self.ranges.push(true_range(bar, self.last))
            ranges = self.ranges.value()
            self.result = self.moves.value() / ranges if ranges > 0.0 else 0.0
        self.high = bar.high
        self.low = bar.low
        self.last = bar.close


def _declared(name: str, is_up: bool, meaning: str, formula: str) -> IndicatorKind:
    return IndicatorKind(
        name=name,
        meaning=meaning,
        formula=formula,
        source="E. Botes and D. Siepman, The Vortex Indicator (2010)",
        unit="ratio",
        params=(period(14, minimum=2), INTERVAL),
        inputs=("bars",),
        make=lambda params: Vortex(int(params["period"]), is_up),
    )


KINDS = (
    _declared(
        "vortex_plus",
        True,
        "Strength of upward movement; above vortex_minus in a rise.",
        "sum(|high - previous low|) / sum(true range) over period bars; 0 without a range",
    ),
    _declared(
        "vortex_minus",
        False,
        "Strength of downward movement; above vortex_plus in a fall.",
        "sum(|low - previous high|) / sum(true range) over period bars; 0 without a range",
    ),
)
