"""One instrument of a market and how far its messages have come."""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.feeds.binance.book_sync import BookSync
from papertape.feeds.binance.numbers import IntegerParser, make_scale
from papertape.feeds.binance.trade_sync import TradeSync
from papertape.model.instrument import Instrument

NO_ID = -1


class Position:
    """One instrument and how far its messages have come."""

    __slots__ = (
        "agg_id",
        "book",
        "instrument",
        "instrument_id",
        "price",
        "price_decimals",
        "quote_id",
        "size",
        "size_decimals",
        "ticker_ms",
        "trade_ms",
        "trades",
        "wants_snapshot",
        "was_lost",
    )
    instrument: Instrument
    instrument_id: str
    price: IntegerParser
    size: IntegerParser
    wants_snapshot: bool
    was_lost: bool
    price_decimals: int
    size_decimals: int
    book: BookSync
    trades: TradeSync
    agg_id: int
    quote_id: int
    ticker_ms: int
    trade_ms: int

    def __init__(self, instrument: Instrument) -> None:
        scale = make_scale(instrument)
        self.instrument = instrument
        self.instrument_id = instrument.id
        self.price = scale.price
        self.size = scale.size
        self.wants_snapshot = False
        self.was_lost = False
        self.price_decimals = instrument.price_decimals
        self.size_decimals = instrument.size_decimals
        self.restart()

    def restart(self) -> None:
        """Begin anew, as before the first message."""
        self.book = BookSync()
        self.trades = TradeSync()
        self.agg_id = self.quote_id = self.ticker_ms = self.trade_ms = NO_ID
