"""True strength index."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, bars
from papertape.indicators.smoothing import Ema


class Tsi(BarMeasure):
    """Changes of close smoothed twice over their sizes smoothed twice, -100 to 100; 0 when nothing moved."""

    __slots__ = ("last", "long_change", "long_size", "short_change", "short_size")
    last: float
    long_change: Ema
    long_size: Ema
    short_change: Ema
    short_size: Ema

    def __init__(self, long: int, short: int) -> None:
        BarMeasure.__init__(self, long + short)
        self.last = 0.0
        self.long_change = Ema(long)
        self.long_size = Ema(long)
        self.short_change = Ema(short)
        self.short_size = Ema(short)

    def _take(self, bar: Bar) -> None:
        change = bar.close - self.last
        self.last = bar.close
        if self.have == 1:
            return
        moved = self.short_change.add(self.long_change.add(change))
        size = self.short_size.add(self.long_size.add(abs(change)))
        self.result = 0.0 if size == 0.0 else 100.0 * (moved / size)


KIND = IndicatorKind(
    name="tsi",
    meaning="How one-sided the changes of close are, smoothed twice: 100 when all rose, -100 when all fell.",
    formula="100 * EMA(EMA(C, long), short) / EMA(EMA(|C|, long), short), C = close - previous close; "
    "0 when nothing moved",
    source="W. Blau (1991); each average is seeded with the mean of its first period values",
    unit="index",
    params=(
        bars("long", 25, "period of the first average"),
        bars("short", 13, "period of the second average"),
        INTERVAL,
    ),
    inputs=("bars",),
    make=lambda params: Tsi(int(params["long"]), int(params["short"])),
)
