"""Buying against selling aggression."""

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.kind import IndicatorKind, window
from papertape.indicators.measures import TradeMeasure, micros, window_words
from papertape.indicators.windows import SumWindow


class OrderFlowImbalance(TradeMeasure):
    """From -1 (all volume sold into the bid) to 1 (all bought from the ask)."""

    __slots__ = ("_bought", "_sold")

    def __init__(self, t1: int, t2: int) -> None:
        self._bought = SumWindow(t1, t2)
        self._sold = SumWindow(t1, t2)
        super().__init__(sizes=(self._bought, self._sold))

    def _take(self, ts: int, price: float, size: float, is_buy: bool) -> None:  # noqa: ARG002 - sizes only
        if is_buy:
            self._bought.add(ts, size)
        else:
            self._sold.add(ts, size)

    def _result(self) -> float | str:
        bought, sold = self._bought.total, self._sold.total
        if bought + sold <= 0:
            return f"no volume {window_words(self._bought)}"
        return (bought - sold) / (bought + sold)


def _make(params: Mapping[str, float]) -> OrderFlowImbalance:
    return OrderFlowImbalance(micros(params["t1"]), micros(params["t2"]))


KIND = IndicatorKind(
    name="order_flow_imbalance",
    meaning="Who is more aggressive: 1 all buyers, -1 all sellers.",
    formula="(buy - sell) / (buy + sell), aggressor volume in (t1, t2)",
    source="papertape, specification of windowed measures",
    unit="ratio",
    params=window(),
    inputs=("trades",),
    make=_make,
    ordered=(("t1", "t2"),),
)
