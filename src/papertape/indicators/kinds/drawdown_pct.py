"""Fall from the window's high to its newest price."""

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.kind import IndicatorKind, window
from papertape.indicators.measures import TradeMeasure, micros, percent_change, window_words
from papertape.indicators.windows import HighWindow


class Drawdown(TradeMeasure):
    """Percent from the highest price of the window down to the newest one; never negative, 0 at the high."""

    __slots__ = ("_high",)

    def __init__(self, t1: int, t2: int) -> None:
        self._high = HighWindow(t1, t2)
        super().__init__(prices=(self._high,))

    def _result(self) -> float | str:
        prices = self._high.x
        if not prices:
            return f"no trades {window_words(self._high)}"
        change = percent_change(prices[-1], prices[0])
        return change if isinstance(change, str) else -change


def _make(params: Mapping[str, float]) -> Drawdown:
    return Drawdown(micros(params["t1"]), micros(params["t2"]))


KIND = IndicatorKind(
    name="drawdown_pct",
    meaning="How far the price has fallen from the window's high.",
    formula="(max - last) / max * 100 over the prices traded in (t1, t2)",
    source="papertape, specification of windowed measures",
    unit="%",
    params=window(300.0),
    inputs=("trades",),
    make=_make,
    ordered=(("t1", "t2"),),
)
