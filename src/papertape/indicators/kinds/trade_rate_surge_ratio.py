"""Trade rate now over the trade rate just before."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping
from math import nan

from papertape.indicators.kind import WINDOWED, IndicatorKind, surge
from papertape.indicators.measures import TradeMeasure, micros, no_trades
from papertape.indicators.windows import Span


class TradeRateSurge(TradeMeasure):
    """The current window's trades a second over those of the baseline window, which ends where the current begins."""

    __slots__ = ("baseline", "now_window")

    now_window: Span
    baseline: Span

    def __init__(self, current: int, baseline: int) -> None:
        TradeMeasure.__init__(self, current + baseline)
        self.now_window = Span(current)
        self.baseline = Span(current + baseline, current)
        self.watch(self.now_window)
        self.watch(self.baseline)

    def _result(self) -> float:
        now_window, baseline = self.now_window, self.baseline
        if baseline.count() == 0:
            return nan
        new = float(now_window.count()) * float(baseline.t1 - baseline.t2)
        return new / (float(baseline.count()) * float(now_window.t1))

    def _why(self) -> str:
        return no_trades(self.baseline)


def _make(params: Mapping[str, float]) -> TradeRateSurge:
    return TradeRateSurge(micros(params["current"]), micros(params["baseline"]))


KIND = IndicatorKind(
    name="trade_rate_surge_ratio",
    meaning="How many times the usual pace trades come now.",
    formula="(count(current, 0) / current) / (count(current + baseline, current) / baseline)",
    source=WINDOWED,
    unit="x",
    params=surge(),
    inputs=("trades",),
    make=_make,
)
