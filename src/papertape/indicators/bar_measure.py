"""The shell of indicators over closed bars: counts them, and shows a result once there are enough."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from math import nan

from papertape.indicators.bars import Bar
from papertape.indicators.indicator import Indicator, Warmup, warming_up


class BarMeasure(Indicator):
    """Closed bars: warm after `need` of them; the value stands until the next bar closes.

    A subclass takes each bar in `_take` and leaves its number, finite or not, in `result`; `have` counts the closed
    bars, the one being taken included.
    """

    __slots__ = ("have", "need", "result")

    need: int
    have: int
    result: float

    def __init__(self, need: int) -> None:
        Indicator.__init__(self)
        self.need = need
        self.have = 0
        self.result = 0.0

    def on_bar(self, bar: Bar) -> None:
        """Take a closed bar of the indicator's own interval."""
        if bar.ts_close > self.now:
            self.now = bar.ts_close
        self.have += 1
        self._take(bar)
        # x - x is 0 for every finite x only; + 0.0 turns -0.0 into 0.0.
        if self.have >= self.need and self.result - self.result == 0.0:
            self.current = self.result + 0.0
        else:
            self.current = nan

    def warmup(self, ts: int) -> Warmup:  # noqa: ARG002 - bars count, not time
        """Return the closed bars seen of those needed."""
        return Warmup(float(min(self.have, self.need)), float(self.need), "bars")

    def missing(self, ts: int) -> str:
        """Return why there is no value."""
        if self.have < self.need:
            return warming_up(self.warmup(ts))
        return "the result is not a finite number"

    def _take(self, bar: Bar) -> None:
        raise NotImplementedError
