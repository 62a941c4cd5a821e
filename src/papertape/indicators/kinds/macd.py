"""Moving average convergence and divergence: its line, its signal and their distance."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, bars
from papertape.indicators.smoothing import Ema

LINE, SIGNAL, HISTOGRAM = 0, 1, 2


class Macd(BarMeasure):
    """The fast average of closes less the slow one; both begin at the same bar."""

    __slots__ = ("fast", "late", "part", "signal", "slow")
    fast: Ema
    late: int
    part: int
    signal: Ema
    slow: Ema

    def __init__(self, fast: int, slow: int, signal: int, part: int) -> None:
        BarMeasure.__init__(self, slow if part == LINE else slow + signal - 1)
        self.fast = Ema(fast)
        self.slow = Ema(slow)
        self.signal = Ema(signal)
        self.late = slow - fast
        self.part = part

    def _take(self, bar: Bar) -> None:
        slow = self.slow.add(bar.close)
        if self.have <= self.late:
            return
        line = self.fast.add(bar.close) - slow
        signal = self.signal.add(line)
        if self.part == LINE:
            self.result = line
        elif self.part == SIGNAL:
            self.result = signal
        else:
            self.result = line - signal


def _declared(name: str, part: int, meaning: str, formula: str) -> IndicatorKind:
    averages = (
        bars("fast", 12, "period of the fast average"),
        bars("slow", 26, "period of the slow average; more than fast", minimum=2),
    )
    signal = () if part == LINE else (bars("signal", 9, "period of the signal"),)
    return IndicatorKind(
        name=name,
        meaning=meaning,
        formula=formula,
        source="G. Appel, The Moving Average Convergence-Divergence Trading Method; begun as TA-Lib MACD: each average "
        "is seeded with the mean of its period's closes up to bar number slow, the signal with the mean of its first "
        "period of lines",
        unit="quote",
        params=(*averages, *signal, INTERVAL),
        inputs=("bars",),
        make=lambda params: Macd(
            int(params["fast"]), int(params["slow"]), 1 if part == LINE else int(params["signal"]), part
        ),
        ordered=(("slow", "fast"),),
    )


KINDS = (
    _declared(
        "macd", LINE, "Distance of a fast average of closes from a slow one.", "EMA(close, fast) - EMA(close, slow)"
    ),
    _declared(
        "macd_signal", SIGNAL, "Average of the MACD line, which the line crosses when it turns.", "EMA(macd, signal)"
    ),
    _declared("macd_histogram", HISTOGRAM, "Distance of the MACD line from its signal.", "macd - EMA(macd, signal)"),
)
