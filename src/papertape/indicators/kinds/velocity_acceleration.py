"""Change of the price's velocity."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.kind import WHICH_PRICE, WINDOWED, IndicatorKind, seconds
from papertape.indicators.measures import ZERO_PRICE, TradeMeasure, micros, percent_change, window_words
from papertape.indicators.paths import VOLUME_WEIGHTED, WindowPrice


class VelocityAcceleration(TradeMeasure):
    """The velocity of price over the last gap less that over the gap before it."""

    __slots__ = ("middle", "new", "old")

    new: WindowPrice
    middle: WindowPrice
    old: WindowPrice

    def __init__(self, length: int, gap: int, which: int) -> None:
        TradeMeasure.__init__(self, 2 * gap + length)
        self.new = WindowPrice(which, length, 0)
        self.middle = WindowPrice(which, gap + length, gap)
        self.old = WindowPrice(which, 2 * gap + length, 2 * gap)
        self.watch(self.new.span)
        self.watch(self.middle.span)
        self.watch(self.old.span)

    def _result(self) -> float:
        middle = self.middle.price(self.now)
        before = percent_change(middle, self.old.price(self.now))
        return percent_change(self.new.price(self.now), middle) - before

    def _why(self) -> str:
        if self.new.which == VOLUME_WEIGHTED:
            for window in (self.old, self.middle, self.new):
                if window.sums.volume <= 0:
                    return f"no volume {window_words(window.span)}"
        return ZERO_PRICE


def _make(params: Mapping[str, float]) -> VelocityAcceleration:
    return VelocityAcceleration(micros(params["window"]), micros(params["gap"]), int(params["price"]))


KIND = IndicatorKind(
    name="velocity_acceleration",
    meaning="Whether the price moves faster than it did: its velocity less the velocity one gap earlier.",
    formula="v(now) - v(gap ago), v = price_velocity(window, gap, price)",
    source=WINDOWED,
    unit="%",
    params=(
        seconds("window", 5.0, "length of the three windows whose prices are compared"),
        seconds("gap", 30.0, "how long before a window's end the earlier one ends"),
        WHICH_PRICE,
    ),
    inputs=("trades",),
    make=_make,
)
