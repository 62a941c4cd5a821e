"""Volume."""

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.fixed import to_float
from papertape.indicators.kind import IndicatorKind, window
from papertape.indicators.measures import TradeMeasure, micros
from papertape.indicators.windows import SumWindow


class SumVolume(TradeMeasure):
    """Volume traded in the window; 0 without a trade."""

    __slots__ = ("_window",)

    def __init__(self, t1: int, t2: int) -> None:
        self._window = SumWindow(t1, t2)
        super().__init__(sizes=(self._window,))

    def _result(self) -> float | str:
        return to_float(self._window.total)


def _make(params: Mapping[str, float]) -> SumVolume:
    return SumVolume(micros(params["t1"]), micros(params["t2"]))


KIND = IndicatorKind(
    name="sum_volume",
    meaning="Volume traded.",
    formula="sum(size) over the trades in (t1, t2)",
    source="papertape, specification of windowed measures",
    unit="base",
    params=window(),
    inputs=("trades",),
    make=_make,
    ordered=(("t1", "t2"),),
)
