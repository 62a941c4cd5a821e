"""The newest traded price."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping
from math import nan

from papertape.indicators.indicator import AFTER_ALL, Warmup
from papertape.indicators.kind import MAX_WINDOW_S, WINDOWED, IndicatorKind, window
from papertape.indicators.measures import TradeMeasure, micros, no_trades
from papertape.indicators.windows import LatestSpan


class LastPrice(TradeMeasure):
    """The newest price of the window; exact from the first trade on, so it needs no full window."""

    __slots__ = ("latest",)

    latest: LatestSpan

    def __init__(self, t1: int, t2: int) -> None:
        TradeMeasure.__init__(self, 0)
        self.latest = LatestSpan(t1, t2)
        self.watch(self.latest)

    def warmup(self, ts: int) -> Warmup:  # noqa: ARG002 - one trade is enough
        """Return whether there was a trade."""
        return Warmup(0.0 if self.first == AFTER_ALL else 1.0, 1.0, "trades")

    def _result(self) -> float:
        return float(self.latest.units) / self.prints.price_scale if self.latest.count() else nan

    def _why(self) -> str:
        return no_trades(self.latest)


def _make(params: Mapping[str, float]) -> LastPrice:
    return LastPrice(micros(params["t1"]), micros(params["t2"]))


KIND = IndicatorKind(
    name="last_price",
    meaning="The newest traded price.",
    formula="price of the newest trade in (t1, t2)",
    source=WINDOWED,
    unit="quote",
    params=window(MAX_WINDOW_S),
    inputs=("trades",),
    make=_make,
    ordered=(("t1", "t2"),),
)
