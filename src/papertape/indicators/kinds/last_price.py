"""The newest traded price."""

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.indicator import Warmup
from papertape.indicators.kind import MAX_WINDOW_S, IndicatorKind, window
from papertape.indicators.measures import TradeMeasure, micros, window_words
from papertape.indicators.windows import LatestWindow


class LastPrice(TradeMeasure):
    """The newest price of the window; exact from the first trade on, so it needs no full window."""

    __slots__ = ("_latest",)

    def __init__(self, t1: int, t2: int) -> None:
        self._latest = LatestWindow(t1, t2)
        super().__init__(prices=(self._latest,))
        self._need = 0

    def warmup(self, ts: int) -> Warmup:  # noqa: ARG002 - one trade is enough
        """Return whether there was a trade."""
        return Warmup(0.0 if self._first is None else 1.0, 1.0, "trades")

    def _result(self) -> float | str:
        prices = self._latest.x
        if not prices:
            return f"no trades {window_words(self._latest)}"
        return prices[-1]


def _make(params: Mapping[str, float]) -> LastPrice:
    return LastPrice(micros(params["t1"]), micros(params["t2"]))


KIND = IndicatorKind(
    name="last_price",
    meaning="The newest traded price.",
    formula="price of the newest trade in (t1, t2)",
    source="papertape, specification of windowed measures",
    unit="quote",
    params=window(MAX_WINDOW_S),
    inputs=("trades",),
    make=_make,
    ordered=(("t1", "t2"),),
)
