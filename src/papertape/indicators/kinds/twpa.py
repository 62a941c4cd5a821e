"""Time-weighted average price."""

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.kind import IndicatorKind, window
from papertape.indicators.measures import TradeMeasure, micros
from papertape.indicators.windows import PathWindow


class Twpa(TradeMeasure):
    """The average price of the window, each price weighted by how long it lasted."""

    __slots__ = ("_path",)

    def __init__(self, t1: int, t2: int) -> None:
        self._path = PathWindow(t1, t2)
        super().__init__(prices=(self._path,))

    def _result(self) -> float | str:
        return self._path.average(self._now)


def _make(params: Mapping[str, float]) -> Twpa:
    return Twpa(micros(params["t1"]), micros(params["t2"]))


KIND = IndicatorKind(
    name="twpa",
    meaning="Average price of the window, weighted by time.",
    formula="sum(price * duration) / sum(duration) over (t1, t2); a price lasts until the next trade or the window's "
    "end, and the price standing at the window's start lasts into it",
    source="papertape, specification of windowed measures",
    unit="quote",
    params=window(300.0),
    inputs=("trades",),
    make=_make,
    ordered=(("t1", "t2"),),
)
