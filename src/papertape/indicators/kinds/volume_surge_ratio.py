"""Volume rate now over the volume rate just before."""

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.kind import IndicatorKind, seconds
from papertape.indicators.measures import TradeMeasure, micros, window_words
from papertape.indicators.windows import SumWindow


class VolumeSurge(TradeMeasure):
    """The current window's volume a second over that of the baseline window, which ends where the current begins."""

    __slots__ = ("_baseline", "_current")

    def __init__(self, current: int, baseline: int) -> None:
        self._current = SumWindow(current)
        self._baseline = SumWindow(current + baseline, current)
        super().__init__(sizes=(self._current, self._baseline))

    def _result(self) -> float | str:
        current, baseline = self._current, self._baseline
        if baseline.total <= 0:
            return f"no volume {window_words(baseline)}"
        return (current.total * (baseline.t1 - baseline.t2)) / (baseline.total * current.t1)


def _make(params: Mapping[str, float]) -> VolumeSurge:
    return VolumeSurge(micros(params["current"]), micros(params["baseline"]))


KIND = IndicatorKind(
    name="volume_surge_ratio",
    meaning="How many times the usual volume is traded now.",
    formula="(volume(current, 0) / current) / (volume(current + baseline, current) / baseline)",
    source="papertape, specification of windowed measures",
    unit="x",
    params=(
        seconds("current", 30.0, "length of the current window"),
        seconds("baseline", 300.0, "length of the baseline window, which ends where the current one begins"),
    ),
    inputs=("trades",),
    make=_make,
)
