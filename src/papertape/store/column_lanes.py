"""The rows of one instrument out of the columns of several."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import cast

import numpy as np

from papertape.model.buffers import Ints
from papertape.model.columns import BarColumns, MarketColumns, QuoteColumns, TradeColumns


def lane_of(market: MarketColumns, lane: int) -> MarketColumns:
    """Return the rows of one lane as columns of that instrument alone; they are copied."""
    if len(market.instruments) == 1:
        return market
    return MarketColumns(
        (market.instruments[lane],),
        TradeColumns(*_rows_of(market.trades.columns(), lane)),
        QuoteColumns(*_rows_of(market.quotes.columns(), lane)),
        BarColumns(*_rows_of(market.bars.columns(), lane)),
    )


def _rows_of(columns: Sequence[Ints], lane: int) -> list[Ints]:
    if not len(columns[0]):
        return [*columns]
    is_own = np.asarray(columns[1]) == lane
    own = [array("q", np.asarray(column)[is_own].tobytes()) for column in columns]
    own[1] = array("q", bytes(8 * len(own[0])))
    return [cast("Ints", column) for column in own]
