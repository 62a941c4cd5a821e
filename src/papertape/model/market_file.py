"""What stands in the head of a file of market data, so that it can be played again without asking a venue."""

from __future__ import annotations

from typing import Literal

import msgspec

from papertape.model.instrument import Instrument

MarketKind = Literal["trades", "quotes", "bars"]

MARKET_FILE_KEY = "papertape"
"""The name under which a Parquet file carries its `MarketFile` as JSON."""


class MarketFile(msgspec.Struct, frozen=True, kw_only=True):
    """What a Parquet file of trades, quotes or bars holds.

    Prices and sizes stand in it as float64 in units of the instrument; multiplied by ten to the instrument's decimals
    and rounded they are the exact integers again (below 10**15). `session_id` is None for data from elsewhere,
    `interval_s` is set for bars only.
    """

    kind: MarketKind
    instruments: tuple[Instrument, ...]
    session_id: str | None = None
    interval_s: int | None = None
