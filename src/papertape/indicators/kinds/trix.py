"""TRIX: change of a triple average."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, period
from papertape.indicators.smoothing import Ema


class Trix(BarMeasure):
    """The change of the average of the average of the average of closes, from bar to bar."""

    __slots__ = ("first", "last", "second", "third")
    first: Ema
    last: float
    second: Ema
    third: Ema

    def __init__(self, period: int) -> None:
        BarMeasure.__init__(self, 3 * period - 1)
        self.first = Ema(period)
        self.last = 0.0
        self.second = Ema(period)
        self.third = Ema(period)

    def _take(self, bar: Bar) -> None:
        average = self.third.add(self.second.add(self.first.add(bar.close)))
        last = self.last
        self.last = average
        self.result = 0.0 if last == 0.0 else (average - last) / last * 100.0


KIND = IndicatorKind(
    name="trix",
    meaning="Percent change from bar to bar of an average smoothed three times.",
    formula="(T - T of the previous bar) / that * 100, T = EMA(EMA(EMA(close))), each of period",
    source="J. Hutson (1983); equal to TA-Lib TRIX: each average is seeded with the mean of its first period values",
    unit="%",
    params=(period(15), INTERVAL),
    inputs=("bars",),
    make=lambda params: Trix(int(params["period"])),
)
