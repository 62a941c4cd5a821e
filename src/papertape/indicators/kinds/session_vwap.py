"""Volume-weighted average price of the day."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping
from math import nan

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind
from papertape.indicators.ring import LongSum

DAY = 86_400_000_000


class SessionVwap(BarMeasure):
    """Turnover over volume of the bars that opened since 00:00 UTC."""

    __slots__ = ("_day", "_turnover", "_volume")

    _day: int
    _turnover: LongSum
    _volume: LongSum

    def __init__(self) -> None:
        BarMeasure.__init__(self, 1)
        self._day = -1
        self._turnover = LongSum()
        self._volume = LongSum()

    def _take(self, bar: Bar) -> None:
        day = bar.ts_open // DAY
        if day != self._day:
            self._day = day
            self._turnover.clear()
            self._volume.clear()
        self._turnover.add((bar.high + bar.low + bar.close) / 3.0 * bar.volume)
        self._volume.add(bar.volume)
        volume = self._volume.value()
        self.result = self._turnover.value() / volume if volume > 0.0 else nan

    def missing(self, ts: int) -> str:
        """Return why there is no value."""
        if self.have < self.need or self._volume.value() > 0.0:
            return BarMeasure.missing(self, ts)
        return "no volume since 00:00 UTC"


def _make(params: Mapping[str, float]) -> SessionVwap:  # noqa: ARG001 - it has none but the interval
    return SessionVwap()


KIND = IndicatorKind(
    name="session_vwap",
    meaning="Average price of the day so far, weighted by volume; none before the first trade of the day.",
    formula="sum((high + low + close) / 3 * volume) / sum(volume) over the bars that opened since 00:00 UTC",
    source="textbook; within a day equal to Stock.Indicators VWAP",
    unit="quote",
    params=(INTERVAL,),
    inputs=("bars",),
    make=_make,
)
