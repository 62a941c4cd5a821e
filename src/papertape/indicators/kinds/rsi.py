"""Relative strength index."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, period
from papertape.indicators.smoothing import WilderMean


class Rsi(BarMeasure):
    """Wilder's index of closes, 0 to 100; 100 when nothing fell, 50 when nothing moved at all."""

    __slots__ = ("_gain", "_last", "_loss")

    _gain: WilderMean
    _loss: WilderMean
    _last: float

    def __init__(self, period: int) -> None:
        BarMeasure.__init__(self, period + 1)
        self._gain = WilderMean(period)
        self._loss = WilderMean(period)
        self._last = 0.0

    def _take(self, bar: Bar) -> None:
        change = bar.close - self._last
        self._last = bar.close
        if self.have == 1:
            return
        gain = self._gain.add(max(change, 0.0))
        loss = self._loss.add(max(-change, 0.0))
        total = gain + loss
        # NaN before both are seeded, which is before the value is shown.
        self.result = 100.0 * gain / total if total > 0.0 else 50.0


def _make(params: Mapping[str, float]) -> Rsi:
    return Rsi(int(params["period"]))


KIND = IndicatorKind(
    name="rsi",
    meaning="Share of gains in recent movement: above 70 is often called overbought, below 30 oversold.",
    formula="100 * G / (G + L), G and L Wilder averages of rises and falls of close, "
    "seeded with the mean of the first period",
    source="J. W. Wilder, New Concepts in Technical Trading Systems (1978)",
    unit="index",
    params=(period(14), INTERVAL),
    inputs=("bars",),
    make=_make,
)
