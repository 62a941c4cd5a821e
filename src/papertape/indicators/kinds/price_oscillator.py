"""Absolute and percentage price oscillator."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, Param, bars
from papertape.indicators.smoothing import Ema, WindowMean


class PriceOscillator(BarMeasure):
    """The fast average of closes less the slow one, each seeded at its own first value."""

    __slots__ = ("fast", "is_percent", "is_plain", "plain_fast", "plain_slow", "slow")
    fast: Ema
    is_percent: bool
    is_plain: bool
    plain_fast: WindowMean
    plain_slow: WindowMean
    slow: Ema

    def __init__(self, fast: int, slow: int, is_plain: bool, is_percent: bool) -> None:
        BarMeasure.__init__(self, slow)
        self.fast = Ema(fast)
        self.is_percent = is_percent
        self.is_plain = is_plain
        self.plain_fast = WindowMean(fast if is_plain else 1)
        self.plain_slow = WindowMean(slow if is_plain else 1)
        self.slow = Ema(slow)

    def _take(self, bar: Bar) -> None:
        if self.is_plain:
            fast = self.plain_fast.add(bar.close)
            slow = self.plain_slow.add(bar.close)
        else:
            fast = self.fast.add(bar.close)
            slow = self.slow.add(bar.close)
        distance = fast - slow
        if self.is_percent:
            distance = 0.0 if slow == 0.0 else distance / slow * 100.0
        self.result = distance


_PLAIN = Param(
    name="plain",
    unit="0/1",
    default=0.0,
    minimum=0.0,
    maximum=1.0,
    meaning="1: plain averages, 0: exponential ones",
    is_integer=True,
)


def _declared(name: str, meaning: str, formula: str, unit: str) -> IndicatorKind:
    return IndicatorKind(
        name=name,
        meaning=meaning,
        formula=formula,
        source=f"textbook; equal to TA-Lib {name.upper()} with either average; exponential ones are each "
        "seeded with the mean of its own first period (macd seeds both at the same bar)",
        unit=unit,
        params=(
            bars("fast", 12, "period of the fast average"),
            bars("slow", 26, "period of the slow average; more than fast", minimum=2),
            _PLAIN,
            INTERVAL,
        ),
        inputs=("bars",),
        make=lambda params: PriceOscillator(
            int(params["fast"]), int(params["slow"]), params["plain"] != 0.0, unit == "%"
        ),
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
