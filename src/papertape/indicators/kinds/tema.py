"""Triple exponential moving average of closes."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, period
from papertape.indicators.smoothing import Ema


class Tema(BarMeasure):
    """Takes the lag off an EMA twice."""

    __slots__ = ("_once", "_thrice", "_twice")

    _once: Ema
    _twice: Ema
    _thrice: Ema

    def __init__(self, period: int) -> None:
        BarMeasure.__init__(self, 3 * period - 2)
        self._once = Ema(period)
        self._twice = Ema(period)
        self._thrice = Ema(period)

    def _take(self, bar: Bar) -> None:
        once = self._once.add(bar.close)
        twice = self._twice.add(once)
        self.result = 3.0 * once - 3.0 * twice + self._thrice.add(twice)


def _make(params: Mapping[str, float]) -> Tema:
    return Tema(int(params["period"]))


KIND = IndicatorKind(
    name="tema",
    meaning="Average of closes with still less lag than a DEMA of the same period.",
    formula="3 * E1 - 3 * E2 + E3, E1 = EMA(close), E2 = EMA(E1), E3 = EMA(E2), each seeded with the mean of its "
    "first period inputs",
    source="P. Mulloy, Stocks & Commodities 12:1 (1994); equal to TA-Lib TEMA",
    unit="quote",
    params=(period(20), INTERVAL),
    inputs=("bars",),
    make=_make,
)
