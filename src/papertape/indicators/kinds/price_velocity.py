"""Percent change of price between two windows."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.kind import WHICH_PRICE, WINDOWED, IndicatorKind, seconds
from papertape.indicators.measures import ZERO_PRICE, TradeMeasure, micros, percent_change, window_words
from papertape.indicators.paths import VOLUME_WEIGHTED, WindowPrice


class PriceVelocity(TradeMeasure):
    """The price of the newest window against that of a window as long, some time earlier."""

    __slots__ = ("new", "old")

    new: WindowPrice
    old: WindowPrice

    def __init__(self, length: int, gap: int, which: int) -> None:
        TradeMeasure.__init__(self, gap + length)
        self.new = WindowPrice(which, length, 0)
        self.old = WindowPrice(which, gap + length, gap)
        self.watch(self.new.span)
        self.watch(self.old.span)

    def _result(self) -> float:
        return percent_change(self.new.price(self.now), self.old.price(self.now))

    def _why(self) -> str:
        if self.new.which == VOLUME_WEIGHTED:
            if self.old.sums.volume <= 0:
                return f"no volume {window_words(self.old.span)}"
            if self.new.sums.volume <= 0:
                return f"no volume {window_words(self.new.span)}"
        return ZERO_PRICE


def _make(params: Mapping[str, float]) -> PriceVelocity:
    return PriceVelocity(micros(params["window"]), micros(params["gap"]), int(params["price"]))


KIND = IndicatorKind(
    name="price_velocity",
    meaning="How much the price has moved within `gap` seconds, each end taken over `window` seconds.",
    formula="(P_now - P_then) / P_then * 100, P the price at the end (price=0), twpa (1) or vwap (2) of "
    "(window, 0) now and of (gap + window, gap) then",
    source=WINDOWED,
    unit="%",
    params=(
        seconds("window", 5.0, "length of both windows whose prices are compared"),
        seconds("gap", 30.0, "how long before the newest window's end the earlier window ends"),
        WHICH_PRICE,
    ),
    inputs=("trades",),
    make=_make,
)
