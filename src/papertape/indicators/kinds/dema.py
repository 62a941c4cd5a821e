"""Double exponential moving average of closes."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, period
from papertape.indicators.smoothing import Ema


class Dema(BarMeasure):
    """Takes the lag of an EMA, as the EMA of the EMA shows it, off the EMA."""

    __slots__ = ("_once", "_twice")

    _once: Ema
    _twice: Ema

    def __init__(self, period: int) -> None:
        BarMeasure.__init__(self, 2 * period - 1)
        self._once = Ema(period)
        self._twice = Ema(period)

    def _take(self, bar: Bar) -> None:
        once = self._once.add(bar.close)
        self.result = 2.0 * once - self._twice.add(once)


def _make(params: Mapping[str, float]) -> Dema:
    return Dema(int(params["period"]))


KIND = IndicatorKind(
    name="dema",
    meaning="Average of closes with less lag than an EMA of the same period.",
    formula="2 * E1 - E2, E1 = EMA(close), E2 = EMA(E1), each seeded with the mean of its first period inputs",
    source="P. Mulloy, Stocks & Commodities 12:1 (1994); equal to TA-Lib DEMA",
    unit="quote",
    params=(period(20), INTERVAL),
    inputs=("bars",),
    make=_make,
)
