"""Rate of change and momentum: close against that of some bars ago."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, period
from papertape.indicators.ring import FloatRing


class Change(BarMeasure):
    """The distance from the close of `period` bars ago, or that in percent of it."""

    __slots__ = ("closes", "is_percent")
    closes: FloatRing
    is_percent: bool

    def __init__(self, period: int, is_percent: bool) -> None:
        BarMeasure.__init__(self, period + 1)
        self.closes = FloatRing(period)
        self.is_percent = is_percent

    def _take(self, bar: Bar) -> None:
        earlier = self.closes.push(bar.close)
        change = bar.close - earlier
        if self.is_percent:
            change = 0.0 if earlier == 0.0 else change / earlier * 100.0
        self.result = change


def _declared(name: str, meaning: str, formula: str, source: str, unit: str) -> IndicatorKind:
    return IndicatorKind(
        name=name,
        meaning=meaning,
        formula=formula,
        source=source,
        unit=unit,
        params=(period(10), INTERVAL),
        inputs=("bars",),
        make=lambda params: Change(int(params["period"]), unit == "%"),
    )


KINDS = (
    _declared(
        "roc",
        "How much the close has changed, in percent.",
        "(close - C) / C * 100, C the close of period bars ago; 0 where C is 0",
        "textbook; equal to TA-Lib ROC",
        "%",
    ),
    _declared(
        "momentum",
        "How much the close has changed.",
        "close - close of period bars ago",
        "textbook; equal to TA-Lib MOM",
        "quote",
    ),
)
