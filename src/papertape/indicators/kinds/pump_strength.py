"""How much a market looks like a pump."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping
from math import nan

from papertape.indicators.kind import WINDOWED, IndicatorKind, Param, factor, seconds
from papertape.indicators.measures import ZERO_PRICE, TradeMeasure, micros, no_trades, percent_change, window_words
from papertape.indicators.windows import ExtremeSpan, SumSpan


class PumpStrength(TradeMeasure):
    """Rise, volume surge and buying aggression of one window, each from 0 to 1, weighted 50, 30 and 20."""

    __slots__ = ("baseline", "full_rise", "full_surge", "low", "window")

    full_rise: float
    full_surge: float
    low: ExtremeSpan
    window: SumSpan
    baseline: SumSpan

    def __init__(self, window: int, baseline: int, full_rise: float, full_surge: float) -> None:
        TradeMeasure.__init__(self, window + baseline)
        self.full_rise = full_rise
        self.full_surge = full_surge
        self.low = ExtremeSpan(1, window)
        self.window = SumSpan(window)
        self.baseline = SumSpan(window + baseline, window)
        self.watch(self.low)
        self.watch(self.window)
        self.watch(self.baseline)

    def _result(self) -> float:
        window, baseline = self.window, self.baseline
        if baseline.volume <= 0 or self.low.count() == 0:
            return nan
        rise = percent_change(float(self.low.last()), float(self.low.first()))
        surge = float(window.volume) * float(baseline.t1 - baseline.t2) / (float(baseline.volume) * float(window.t1))
        flow = float(window.net) / float(window.volume) if window.volume > 0 else 0.0
        return (
            50.0 * _share(rise / self.full_rise)
            + 30.0 * _share((surge - 1.0) / (self.full_surge - 1.0))
            + 20.0 * _share(flow)
        )

    def _why(self) -> str:
        if self.low.count() == 0:
            return no_trades(self.low)
        return ZERO_PRICE if self.baseline.volume > 0 else f"no volume {window_words(self.baseline)}"


def _share(x: float) -> float:
    # NaN stays NaN.
    if x < 0.0:
        return 0.0
    return min(x, 1.0)


def _make(params: Mapping[str, float]) -> PumpStrength:
    return PumpStrength(micros(params["window"]), micros(params["baseline"]), params["full_rise"], params["full_surge"])


KIND = IndicatorKind(
    name="pump_strength",
    meaning="How much the market looks like a pump, from 0 to 100.",
    formula="50 * c(M / full_rise) + 30 * c((V - 1) / (full_surge - 1)) + 20 * c(F), c(x) = x kept within 0 and 1, "
    "M = pump_magnitude_pct(window, 0), V = volume_surge_ratio(window, baseline), F = order_flow_imbalance(window, 0), "
    "0 without volume",
    source=WINDOWED,
    unit="points",
    params=(
        seconds("window", 60.0, "length of the window looked at"),
        seconds("baseline", 600.0, "length of the window before it that is usual"),
        Param(
            name="full_rise",
            unit="%",
            default=5.0,
            minimum=0.001,
            maximum=1_000.0,
            meaning="the rise that counts in full",
        ),
        factor("full_surge", 10.0, "the volume surge that counts in full", minimum=1.01, maximum=1_000.0),
    ),
    inputs=("trades",),
    make=_make,
)
