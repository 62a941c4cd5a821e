"""Aroon: how long ago the highest high and the lowest low were."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, period
from papertape.indicators.ring import RollingMax, RollingMin

UP, DOWN, OSCILLATOR = 0, 1, 2


class Aroon(BarMeasure):
    """The age of both extremes of the last `period` + 1 bars, the newest of equals."""

    __slots__ = ("high", "low", "part", "period")
    high: RollingMax
    low: RollingMin
    part: int
    period: int

    def __init__(self, period: int, part: int) -> None:
        BarMeasure.__init__(self, period + 1)
        self.high = RollingMax(period + 1)
        self.low = RollingMin(period + 1)
        self.part = part
        self.period = period

    def _take(self, bar: Bar) -> None:
        self.high.add(bar.high)
        self.low.add(bar.low)
        if self.part == UP:
            young = self.period - self.high.age()
        elif self.part == DOWN:
            young = self.period - self.low.age()
        else:
            young = self.low.age() - self.high.age()
        self.result = 100.0 * float(young) / float(self.period)


def _declared(name: str, part: int, meaning: str, formula: str) -> IndicatorKind:
    return IndicatorKind(
        name=name,
        meaning=meaning,
        formula=formula,
        source="T. Chande (1995); equal to TA-Lib AROON and AROONOSC: of equal extremes the newest counts",
        unit="index",
        params=(period(14), INTERVAL),
        inputs=("bars",),
        make=lambda params: Aroon(int(params["period"]), part),
    )


KINDS = (
    _declared(
        "aroon_up",
        UP,
        "How new the highest high is: 100 when it is the last bar's.",
        "100 * (period - bars since the highest high) / period, over period + 1 bars",
    ),
    _declared(
        "aroon_down",
        DOWN,
        "How new the lowest low is: 100 when it is the last bar's.",
        "100 * (period - bars since the lowest low) / period, over period + 1 bars",
    ),
    _declared(
        "aroon_oscillator",
        OSCILLATOR,
        "Whether the highest high or the lowest low is newer, and by how much.",
        "aroon_up - aroon_down",
    ),
)
