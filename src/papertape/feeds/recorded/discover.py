"""Instruments of a recording that brings no trading rules: precision read off the observed numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import islice

from papertape.feeds.binance.frames import (
    AggTradeFrame,
    BookTickerFrame,
    DepthFrame,
    Market,
    SnapshotFrame,
    TradeFrame,
)
from papertape.feeds.binance.protocol import parse_frame
from papertape.feeds.recorded.reading import RecordedFile, read_file
from papertape.model.instrument import Instrument

_FRAMES_PER_FILE = 5_000
_QUOTES = ("USDT", "USDC", "FDUSD", "BUSD", "TUSD", "USD", "BTC", "ETH", "BNB", "EUR", "TRY", "BRL")


class Precision:
    """The most decimals seen in prices and sizes of one symbol."""

    def __init__(self) -> None:
        self.price = 0
        self.size = 0

    def see(self, price: str, size: str) -> None:
        """Take one price and size as the venue wrote them."""
        self.price = max(self.price, _decimals(price))
        self.size = max(self.size, _decimals(size))


def discover_instruments(files: Iterable[RecordedFile]) -> list[Instrument]:
    """Return the instruments found in the first 5,000 frames of each file, by id."""
    seen: dict[tuple[Market, str], Precision] = {}
    for file in files:
        for symbol, price, size in _numbers(file):
            seen.setdefault((file.market, symbol), Precision()).see(price, size)
    found = [make_instrument(market, symbol, precision) for (market, symbol), precision in seen.items()]
    return sorted(found, key=lambda instrument: instrument.id)


def make_instrument(market: Market, symbol: str, precision: Precision, venue: str = "BINANCE") -> Instrument:
    """Return an instrument with one tick and one lot of the observed precision; minimum 5 in quote units."""
    quote = next((q for q in _QUOTES if symbol.endswith(q) and symbol != q), "USDT")
    is_spot = market == "spot"
    return Instrument(
        id=f"{symbol}.{venue}" if is_spot else f"{symbol}-PERP.{venue}",
        symbol=symbol,
        venue=venue,
        kind="spot" if is_spot else "perpetual",
        base=symbol.removesuffix(quote),
        quote=quote,
        price_decimals=precision.price,
        size_decimals=precision.size,
        price_increment=Decimal(1).scaleb(-precision.price),
        size_increment=Decimal(1).scaleb(-precision.size),
        min_quantity=Decimal(1).scaleb(-precision.size),
        min_notional=Decimal(5),
        max_leverage=1 if is_spot else 125,
    )


def _decimals(text: str) -> int:
    _, point, fraction = text.partition(".")
    return len(fraction.rstrip("0")) if point else 0


def _numbers(file: RecordedFile) -> Iterator[tuple[str, str, str]]:
    for recorded in islice(read_file(file), _FRAMES_PER_FILE):
        frame = parse_frame(recorded.raw)
        if isinstance(frame, TradeFrame | AggTradeFrame):
            yield frame.symbol, frame.price, frame.size
        elif isinstance(frame, BookTickerFrame):
            yield frame.symbol, frame.bid, frame.bid_size
            yield frame.symbol, frame.ask, frame.ask_size
        elif isinstance(frame, DepthFrame):
            yield from ((frame.symbol, price, size) for price, size in frame.bids + frame.asks)
        elif isinstance(frame, SnapshotFrame) and recorded.symbol:
            yield from ((recorded.symbol, price, size) for price, size in frame.bids + frame.asks)
