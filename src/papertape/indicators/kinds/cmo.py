"""Chande momentum oscillator."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, period
from papertape.indicators.smoothing import WilderMean


class Cmo(BarMeasure):
    """Rises of close less falls, over their sum, -100 to 100; 0 when nothing moved."""

    __slots__ = ("gain", "last", "loss")
    gain: WilderMean
    last: float
    loss: WilderMean

    def __init__(self, period: int) -> None:
        BarMeasure.__init__(self, period + 1)
        self.gain = WilderMean(period)
        self.last = 0.0
        self.loss = WilderMean(period)

    def _take(self, bar: Bar) -> None:
        change = bar.close - self.last
        self.last = bar.close
        if self.have == 1:
            return
        gain = self.gain.add(max(change, 0.0))
        loss = self.loss.add(max(-change, 0.0))
        moved = gain + loss
        self.result = 100.0 * ((gain - loss) / moved) if moved > 0.0 else 0.0


KIND = IndicatorKind(
    name="cmo",
    meaning="Rises of close against falls: 100 when all rose, -100 when all fell.",
    formula="100 * (G - L) / (G + L), G and L Wilder averages of rises and falls of close, seeded with the mean of the "
    "first period",
    source="T. Chande (1994), smoothed as TA-Lib CMO does (Chande's own sums are plain)",
    unit="index",
    params=(period(14), INTERVAL),
    inputs=("bars",),
    make=lambda params: Cmo(int(params["period"])),
)
