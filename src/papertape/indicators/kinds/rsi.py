"""Relative strength index."""

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, period


class Rsi(BarMeasure):
    """Wilder's index of closes, 0 to 100; 100 when nothing fell, 50 when nothing moved at all."""

    __slots__ = ("_gain", "_last", "_loss", "_period")

    def __init__(self, period: int) -> None:
        BarMeasure.__init__(self, period + 1)
        self._period = period
        self._last = 0.0
        self._gain = 0.0
        self._loss = 0.0

    def _take(self, bar: Bar) -> None:
        change = bar.close - self._last if self.have > 1 else 0.0
        self._last = bar.close
        if self.have == 1:
            return
        # The first `period` changes are averaged plainly, later ones by 1 / period.
        weight = min(self.have - 1, self._period)
        self._gain += (max(change, 0.0) - self._gain) / weight
        self._loss += (max(-change, 0.0) - self._loss) / weight
        total = self._gain + self._loss
        self.result = 100.0 * self._gain / total if total > 0.0 else 50.0


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
