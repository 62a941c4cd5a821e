"""Volume-weighted average price."""

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.kind import IndicatorKind, window
from papertape.indicators.measures import TradeMeasure, micros, window_words
from papertape.indicators.windows import SumWindow


class Vwap(TradeMeasure):
    """The average price of the window, each trade weighted by its size."""

    __slots__ = ("_turnover", "_volume")

    def __init__(self, t1: int, t2: int) -> None:
        self._turnover = SumWindow(t1, t2)
        self._volume = SumWindow(t1, t2)
        super().__init__(sizes=(self._turnover, self._volume))

    def _take(self, ts: int, price: float, size: float, is_buy: bool) -> None:  # noqa: ARG002 - either side counts
        self._turnover.add(ts, price * size)
        self._volume.add(ts, size)

    def _result(self) -> float | str:
        volume = self._volume.total
        if volume <= 0:
            return f"no {'volume' if self._volume.x else 'trades'} {window_words(self._volume)}"
        return self._turnover.total / volume


def _make(params: Mapping[str, float]) -> Vwap:
    return Vwap(micros(params["t1"]), micros(params["t2"]))


KIND = IndicatorKind(
    name="vwap",
    meaning="Average price of the window, weighted by volume.",
    formula="sum(price * size) / sum(size) over the trades in (t1, t2)",
    source="papertape, specification of windowed measures",
    unit="quote",
    params=window(300.0),
    inputs=("trades",),
    make=_make,
    ordered=(("t1", "t2"),),
)
