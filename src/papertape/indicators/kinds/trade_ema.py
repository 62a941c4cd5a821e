"""Exponential moving average of traded prices."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.indicator import Indicator, Warmup, warming_up
from papertape.indicators.kind import WINDOWED, IndicatorKind, trades
from papertape.indicators.run import Run
from papertape.model.buffers import Floats


class TradeEma(Indicator):
    """Starts as the mean of the first `period` prices, then moves by 2 / (period + 1) of each distance."""

    __slots__ = ("alpha", "average", "have", "period")

    period: int
    have: int
    alpha: float
    average: float

    def __init__(self, period: int) -> None:
        Indicator.__init__(self)
        self.period = period
        self.have = 0
        self.alpha = 2.0 / (period + 1.0)
        self.average = 0.0

    def on_trade(self, ts: int, price: float, lots: int) -> None:  # noqa: ARG002 - every trade counts alike
        """Take one public print."""
        self.now = ts
        if self.have >= self.period:
            self.average += self.alpha * (price - self.average)
            self.current = self.average
            return
        self.have += 1
        self.average += (price - self.average) / float(self.have)
        if self.have == self.period:
            self.current = self.average

    def on_run(self, run: Run, place: int) -> None:
        """Take a run of nothing but trades."""
        prices: Floats = run.prices
        values: Floats = run.values
        at = self._warm(run, place)
        average, alpha = self.average, self.alpha
        place += at * run.width
        for index in range(at, run.count):
            average += alpha * (prices[index] - average)
            values[place] = average
            place += run.width
        self.now = run.times[run.count - 1]
        self.average = average
        if self.have >= self.period:
            self.current = average

    def _warm(self, run: Run, place: int) -> int:
        # Takes the prices that only seed the average, and returns how many.
        at = 0
        while at < run.count and self.have < self.period:
            self.on_trade(run.times[at], run.prices[at], run.lots[at])
            run.values[at * run.width + place] = self.current
            run.notes[at * run.width + place] = float(self.have)
            at += 1
        return at

    def can_note(self) -> bool:
        """Return that it notes how many trades it had."""
        return True

    def noted(self, number: float) -> str:
        """Return the trades of those needed."""
        return warming_up(Warmup(number, float(self.period), "trades"))

    def warmup(self, ts: int) -> Warmup:  # noqa: ARG002 - trades count, not time
        """Return the trades seen of those needed."""
        return Warmup(float(self.have), float(self.period), "trades")

    def missing(self, ts: int) -> str:
        """Return why there is no value."""
        return warming_up(self.warmup(ts)) if self.have else "no trades yet"


def _make(params: Mapping[str, float]) -> TradeEma:
    return TradeEma(int(params["period"]))


KIND = IndicatorKind(
    name="trade_ema",
    meaning="Average of traded prices that weighs recent trades more.",
    formula="EMA += 2 / (period + 1) * (price - EMA) at each trade, seeded with the mean of the first period prices",
    source=WINDOWED,
    unit="quote",
    params=(trades(100),),
    inputs=("trades",),
    make=_make,
)
