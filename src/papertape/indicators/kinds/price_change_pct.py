"""Change from the window's oldest price to its newest."""

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.kind import IndicatorKind, window
from papertape.indicators.measures import TradeMeasure, micros, percent_change, window_words
from papertape.indicators.windows import Window


class PriceChange(TradeMeasure):
    """Percent from the first to the last price traded in the window; 0 for a single trade."""

    __slots__ = ("_window",)

    def __init__(self, t1: int, t2: int) -> None:
        self._window = Window(t1, t2)
        super().__init__(prices=(self._window,))

    def _result(self) -> float | str:
        prices = self._window.x
        if not prices:
            return f"no trades {window_words(self._window)}"
        return percent_change(prices[-1], prices[0])


def _make(params: Mapping[str, float]) -> PriceChange:
    return PriceChange(micros(params["t1"]), micros(params["t2"]))


KIND = IndicatorKind(
    name="price_change_pct",
    meaning="Price change over the window.",
    formula="(last - first) / first * 100 over the prices traded in (t1, t2)",
    source="papertape, specification of windowed measures",
    unit="%",
    params=window(),
    inputs=("trades",),
    make=_make,
    ordered=(("t1", "t2"),),
)
