"""Volume rate now over the volume rate just before."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping
from math import nan

from papertape.indicators.kind import WINDOWED, IndicatorKind, surge
from papertape.indicators.measures import TradeMeasure, micros, window_words
from papertape.indicators.windows import SumSpan


class VolumeSurge(TradeMeasure):
    """The current window's volume a second over that of the baseline window, which ends where the current begins."""

    __slots__ = ("baseline", "now_window")

    now_window: SumSpan
    baseline: SumSpan

    def __init__(self, current: int, baseline: int) -> None:
        TradeMeasure.__init__(self, current + baseline)
        self.now_window = SumSpan(current)
        self.baseline = SumSpan(current + baseline, current)
        self.watch(self.now_window)
        self.watch(self.baseline)

    def _result(self) -> float:
        now_window, baseline = self.now_window, self.baseline
        if baseline.volume <= 0:
            return nan
        new = float(now_window.volume) * float(baseline.t1 - baseline.t2)
        return new / (float(baseline.volume) * float(now_window.t1))

    def _why(self) -> str:
        return f"no volume {window_words(self.baseline)}"


def _make(params: Mapping[str, float]) -> VolumeSurge:
    return VolumeSurge(micros(params["current"]), micros(params["baseline"]))


KIND = IndicatorKind(
    name="volume_surge_ratio",
    meaning="How many times the usual volume is traded now.",
    formula="(volume(current, 0) / current) / (volume(current + baseline, current) / baseline)",
    source=WINDOWED,
    unit="x",
    params=surge(),
    inputs=("trades",),
    make=_make,
)
