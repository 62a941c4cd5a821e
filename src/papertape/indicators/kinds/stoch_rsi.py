"""Stochastic of the relative strength index: where the RSI lies in its own range."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, bars, period
from papertape.indicators.ring import RollingMax, RollingMin
from papertape.indicators.smoothing import WilderMean, WindowMean, place_in_range


class StochRsi(BarMeasure):
    """The RSI's place in its range of `fast_k` values, averaged over `smooth`, then over `fast_d`."""

    __slots__ = ("gain", "high", "last", "loss", "low", "rsi", "signal", "smooth")
    gain: WilderMean
    high: RollingMax
    last: float
    loss: WilderMean
    low: RollingMin
    rsi: float
    signal: WindowMean
    smooth: WindowMean

    def __init__(self, period: int, fast_k: int, smooth: int, fast_d: int) -> None:
        BarMeasure.__init__(self, period + fast_k + smooth + fast_d - 2)
        self.gain = WilderMean(period)
        self.loss = WilderMean(period)
        self.last = 0.0
        self.high = RollingMax(fast_k)
        self.low = RollingMin(fast_k)
        self.rsi = 50.0
        self.smooth = WindowMean(smooth)
        self.signal = WindowMean(fast_d)

    def _take(self, bar: Bar) -> None:
        change = bar.close - self.last
        self.last = bar.close
        if self.have == 1:
            return
        gain = self.gain.add(max(change, 0.0))
        loss = self.loss.add(max(-change, 0.0))
        if self.have <= self.gain.period:
            return
        # Without a change both averages shrink alike and the RSI stays; their rounding must not make a range of it.
        if change != 0.0 or self.high.count == 0:
            moved = gain + loss
            self.rsi = 100.0 * (gain / moved) if moved > 0.0 else 50.0
        high = self.high.add(self.rsi)
        low = self.low.add(self.rsi)
        self.result = self.signal.add(self.smooth.add(place_in_range(self.rsi, low, high)))


_SOURCE = (
    "T. Chande and S. Kroll, The New Technical Trader (1994); equal to TA-Lib STOCHRSI with smooth = 1, "
    "to what charts show with smooth = 3; 0 where the range is empty; the RSI is 50 while nothing has moved"
)
_PARAMS = (
    period(14),
    bars("fast_k", 14, "number of RSI values whose range counts"),
    bars("smooth", 1, "number of values in the average that is %K; 1: not averaged"),
)

KINDS = (
    IndicatorKind(
        name="stoch_rsi_k",
        meaning="Where the RSI lies in its own recent range: 0 at its low, 100 at its high.",
        formula="SMA(100 * (RSI - L) / (H - L), smooth), RSI of period bars, H and L the extremes of fast_k RSI",
        source=_SOURCE,
        unit="index",
        params=(*_PARAMS, INTERVAL),
        inputs=("bars",),
        make=lambda params: StochRsi(int(params["period"]), int(params["fast_k"]), int(params["smooth"]), 1),
    ),
    IndicatorKind(
        name="stoch_rsi_d",
        meaning="Average of the stochastic RSI's %K.",
        formula="SMA(stoch_rsi_k(period, fast_k, smooth), fast_d)",
        source=_SOURCE,
        unit="index",
        params=(*_PARAMS, bars("fast_d", 3, "number of %K in the average that is %D"), INTERVAL),
        inputs=("bars",),
        make=lambda params: StochRsi(
            int(params["period"]), int(params["fast_k"]), int(params["smooth"]), int(params["fast_d"])
        ),
    ),
)
