"""Absolute and percentage price oscillator."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, bars
from papertape.indicators.smoothing import Ema

class PriceOscillator(BarMeasure):
    """The fast average of closes less the slow one, each seeded at its own first value."""

    __slots__ = ("fast", "is_percent", "slow")
    fast: Ema
    is_percent: bool
    slow: Ema

    def __init__(self, fast: int, slow: int, is_percent: bool) -> None:
        BarMeasure.__init__(self, slow)
        self.fast = Ema(fast)
        self.slow = Ema(slow)
        self.is_percent = is_percent

    def _take(self, bar: Bar) -> None:
        fast = self.fast.add(bar.close)
        slow = self.slow.add(bar.close)
        distance = fast - slow
        if self.is_percent:
            distance = 0.0 if slow == 0.0 else distance / slow * 100.0
        self.result = distance


def _declared(name: str, meaning: str, formula: str, unit: str) -> IndicatorKind:
    return IndicatorKind(
        name=name,
        meaning=meaning,
        formula=formula,
        source=f"textbook; equal to TA-Lib {name.upper()} with exponential averages, each seeded with the mean of its own "
        "first period (macd seeds both at the same bar)",
        unit=unit,
        params=(
            bars("fast", 12, "period of the fast average"),
            bars("slow", 26, "period of the slow average; more than fast", minimum=2),
            INTERVAL,
        ),
        inputs=("bars",),
        make=lambda params: PriceOscillator(int(params["fast"]), int(params["slow"]), unit == "%"),
        ordered=(("slow", "fast"),),
    )


KINDS = (
    _declared(
        "ppo",
        "Distance of a fast average of closes from a slow one, in percent of the slow one.",
        "(EMA(close, fast) - EMA(close, slow)) / EMA(close, slow) * 100",
        "%",
    ),
    _declared(
        "apo",
        "Distance of a fast average of closes from a slow one.",
        "EMA(close, fast) - EMA(close, slow)",
        "quote",
    ),
)
