"""Rise from the window's low to its newest price."""

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.kind import IndicatorKind, window
from papertape.indicators.measures import TradeMeasure, micros, percent_change, window_words
from papertape.indicators.windows import LowWindow


class PumpMagnitude(TradeMeasure):
    """Percent from the lowest price of the window up to the newest one; 0 at the low."""

    __slots__ = ("_low",)

    def __init__(self, t1: int, t2: int) -> None:
        self._low = LowWindow(t1, t2)
        super().__init__(prices=(self._low,))

    def _result(self) -> float | str:
        prices = self._low.x
        if not prices:
            return f"no trades {window_words(self._low)}"
        return percent_change(prices[-1], prices[0])


def _make(params: Mapping[str, float]) -> PumpMagnitude:
    return PumpMagnitude(micros(params["t1"]), micros(params["t2"]))


KIND = IndicatorKind(
    name="pump_magnitude_pct",
    meaning="How far the price has risen from the window's low.",
    formula="(last - min) / min * 100 over the prices traded in (t1, t2)",
    source="papertape, specification of windowed measures",
    unit="%",
    params=window(300.0),
    inputs=("trades",),
    make=_make,
    ordered=(("t1", "t2"),),
)
