"""Williams %R."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, period
from papertape.indicators.ring import RollingMax, RollingMin
from papertape.indicators.smoothing import place_in_range


class WilliamsR(BarMeasure):
    """The close's distance from the highest high, in percent of the range: -100 at the lowest low."""

    __slots__ = ("high", "low")
    high: RollingMax
    low: RollingMin

    def __init__(self, period: int) -> None:
        BarMeasure.__init__(self, period)
        self.high = RollingMax(period)
        self.low = RollingMin(period)

    def _take(self, bar: Bar) -> None:
        high = self.high.add(bar.high)
        low = self.low.add(bar.low)
        # The range upside down, so that an empty one gives 0 here as well.
        self.result = -place_in_range(bar.close, high, low)


KIND = IndicatorKind(
    name="williams_r",
    meaning="Where the close lies in the range of the last bars: 0 at its high, -100 at its low.",
    formula="-100 * (H - close) / (H - L), H the highest high and L the lowest low of period bars",
    source="L. Williams, How I Made One Million Dollars (1973); equal to TA-Lib WILLR, also in "
    "that it is 0 where the range is empty",
    unit="index",
    params=(period(14), INTERVAL),
    inputs=("bars",),
    make=lambda params: WilliamsR(int(params["period"])),
)
