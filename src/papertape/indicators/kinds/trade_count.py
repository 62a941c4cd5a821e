"""Number of trades."""

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.kind import IndicatorKind, window
from papertape.indicators.measures import TradeMeasure, micros
from papertape.indicators.windows import Window


class TradeCount(TradeMeasure):
    """Trades in the window; 0 without one."""

    __slots__ = ("_window",)

    def __init__(self, t1: int, t2: int) -> None:
        self._window = Window(t1, t2)
        super().__init__(sizes=(self._window,))

    def _result(self) -> float | str:
        return float(len(self._window.x))


def _make(params: Mapping[str, float]) -> TradeCount:
    return TradeCount(micros(params["t1"]), micros(params["t2"]))


KIND = IndicatorKind(
    name="trade_count",
    meaning="Number of trades.",
    formula="count of the trades in (t1, t2)",
    source="papertape, specification of windowed measures",
    unit="trades",
    params=window(),
    inputs=("trades",),
    make=_make,
    ordered=(("t1", "t2"),),
)
