"""Pace of trading."""

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.kind import IndicatorKind, window
from papertape.indicators.measures import SECOND, TradeMeasure, micros
from papertape.indicators.windows import Window


class TradeRate(TradeMeasure):
    """Trades a second; 0 without a trade."""

    __slots__ = ("_window",)

    def __init__(self, t1: int, t2: int) -> None:
        self._window = Window(t1, t2)
        super().__init__(sizes=(self._window,))

    def _result(self) -> float | str:
        return len(self._window.x) * SECOND / (self._window.t1 - self._window.t2)


def _make(params: Mapping[str, float]) -> TradeRate:
    return TradeRate(micros(params["t1"]), micros(params["t2"]))


KIND = IndicatorKind(
    name="trade_rate",
    meaning="Trades a second.",
    formula="count / (t1 - t2) over the trades in (t1, t2)",
    source="papertape, specification of windowed measures",
    unit="trades/s",
    params=window(),
    inputs=("trades",),
    make=_make,
    ordered=(("t1", "t2"),),
)
