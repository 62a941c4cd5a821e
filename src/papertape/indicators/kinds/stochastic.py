"""Stochastic oscillator, slow and fast: where the close lies in the range of the last bars."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, bars
from papertape.indicators.ring import RollingMax, RollingMin
from papertape.indicators.smoothing import WindowMean, place_in_range


class Stochastic(BarMeasure):
    """The close's place in the range of `fast_k` bars, averaged over `slow_k` values (%K), then over `slow_d` (%D)."""

    __slots__ = ("high", "low", "signal", "smooth")
    high: RollingMax
    low: RollingMin
    signal: WindowMean
    smooth: WindowMean

    def __init__(self, fast_k: int, slow_k: int, slow_d: int) -> None:
        BarMeasure.__init__(self, fast_k + slow_k + slow_d - 2)
        self.high = RollingMax(fast_k)
        self.low = RollingMin(fast_k)
        self.smooth = WindowMean(slow_k)
        self.signal = WindowMean(slow_d)

    def _take(self, bar: Bar) -> None:
        high = self.high.add(bar.high)
        low = self.low.add(bar.low)
        self.result = self.signal.add(self.smooth.add(place_in_range(bar.close, low, high)))


_SOURCE = "G. Lane; plain averages as TA-Lib {}; 0 where the range is empty, as there"
_FAST_K = bars("fast_k", 14, "number of bars whose range counts")
_SLOW_K = bars("slow_k", 3, "number of values in the average that is %K")
_SLOW_D = bars("slow_d", 3, "number of %K in the average that is %D")
_FAST_D = bars("fast_d", 3, "number of %K in the average that is %D")

KINDS = (
    IndicatorKind(
        name="stochastic_k",
        meaning="Where the close lies in the range of the last bars, smoothed: 0 at its low, 100 at its high.",
        formula="SMA(100 * (close - L) / (H - L), slow_k), H the highest high and L the lowest low of fast_k bars",
        source=_SOURCE.format("STOCH"),
        unit="index",
        params=(_FAST_K, _SLOW_K, INTERVAL),
        inputs=("bars",),
        make=lambda params: Stochastic(int(params["fast_k"]), int(params["slow_k"]), 1),
    ),
    IndicatorKind(
        name="stochastic_d",
        meaning="Average of the stochastic %K, which %K crosses when price turns.",
        formula="SMA(stochastic_k(fast_k, slow_k), slow_d)",
        source=_SOURCE.format("STOCH"),
        unit="index",
        params=(_FAST_K, _SLOW_K, _SLOW_D, INTERVAL),
        inputs=("bars",),
        make=lambda params: Stochastic(int(params["fast_k"]), int(params["slow_k"]), int(params["slow_d"])),
    ),
    IndicatorKind(
        name="stochastic_fast_k",
        meaning="Where the close lies in the range of the last bars: 0 at its low, 100 at its high.",
        formula="100 * (close - L) / (H - L), H the highest high and L the lowest low of fast_k bars",
        source=_SOURCE.format("STOCHF"),
        unit="index",
        params=(_FAST_K, INTERVAL),
        inputs=("bars",),
        make=lambda params: Stochastic(int(params["fast_k"]), 1, 1),
    ),
    IndicatorKind(
        name="stochastic_fast_d",
        meaning="Average of the fast stochastic %K.",
        formula="SMA(stochastic_fast_k(fast_k), fast_d)",
        source=_SOURCE.format("STOCHF"),
        unit="index",
        params=(_FAST_K, _FAST_D, INTERVAL),
        inputs=("bars",),
        make=lambda params: Stochastic(int(params["fast_k"]), 1, int(params["fast_d"])),
    ),
)
