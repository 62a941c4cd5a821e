"""Percent change of price between two windows."""

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.kind import IndicatorKind, seconds
from papertape.indicators.measures import TradeMeasure, micros, percent_change
from papertape.indicators.windows import PathWindow


class PriceVelocity(TradeMeasure):
    """The time-weighted price of the newest window against that of a window as long, some time earlier."""

    __slots__ = ("_now_path", "_then_path")

    def __init__(self, length: int, gap: int) -> None:
        self._now_path = PathWindow(length)
        self._then_path = PathWindow(gap + length, gap)
        super().__init__(prices=(self._now_path, self._then_path))

    def _result(self) -> float | str:
        return percent_change(self._now_path.average(self._now), self._then_path.average(self._now))


def _make(params: Mapping[str, float]) -> PriceVelocity:
    return PriceVelocity(micros(params["window"]), micros(params["gap"]))


KIND = IndicatorKind(
    name="price_velocity",
    meaning="How much the price has moved within `gap` seconds, each end averaged over `window` seconds.",
    formula="(P_now - P_then) / P_then * 100 with P_now = twpa(window, 0), P_then = twpa(gap + window, gap)",
    source="papertape, specification of windowed measures",
    unit="%",
    params=(
        seconds("window", 5.0, "length of both windows whose time-weighted prices are compared"),
        seconds("gap", 30.0, "how long before the newest window's end the earlier window ends"),
    ),
    inputs=("trades",),
    make=_make,
)
