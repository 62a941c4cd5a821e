"""Market data as columns of 64-bit integers: what a backtest over files runs on, and what a burst is made into.

Times are microseconds UTC and never go back within a kind; a `lane` is the index of the instrument in the plan; prices
and sizes are in the instrument's integer units. Rows of equal time are met in one order: trades, then quotes, then
bars, and within a kind as they stand in their columns. Data of files was never received, so its receive time is its
time.
"""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

import hashlib
import sys
from bisect import bisect_left
from typing import cast

from papertape.model.buffers import Ints, ints
from papertape.model.instrument import Instrument

NOTHING = 0
TRADE = 1
QUOTE = 2
BAR = 3

_NEVER = 1 << 62


class TradeColumns:
    """Public prints, one a row. `lots` is the size in integer units: above 0 the aggressor bought, below 0 he sold."""

    __slots__ = ("count", "lane", "lots", "price", "ts")

    ts: Ints
    lane: Ints
    price: Ints
    lots: Ints
    count: int

    def __init__(self, ts: Ints, lane: Ints, price: Ints, lots: Ints) -> None:
        check_lengths("trades", (ts, lane, price, lots))
        self.ts = ts
        self.lane = lane
        self.price = price
        self.lots = lots
        self.count = len(ts)

    def columns(self) -> tuple[Ints, ...]:
        """Return the columns in the order of the constructor."""
        return (self.ts, self.lane, self.price, self.lots)

    def part(self, begin: int, end: int) -> TradeColumns:
        """Return the rows from `begin` to before `end`, without copying them."""
        return TradeColumns(*[slice_of(column, begin, end) for column in self.columns()])


class QuoteColumns:
    """Best bid and ask with their sizes; a side without an order has price and size 0."""

    __slots__ = ("ask", "ask_lots", "bid", "bid_lots", "count", "lane", "ts")

    ts: Ints
    lane: Ints
    bid: Ints
    bid_lots: Ints
    ask: Ints
    ask_lots: Ints
    count: int

    def __init__(self, ts: Ints, lane: Ints, bid: Ints, bid_lots: Ints, ask: Ints, ask_lots: Ints) -> None:
        check_lengths("quotes", (ts, lane, bid, bid_lots, ask, ask_lots))
        self.ts = ts
        self.lane = lane
        self.bid = bid
        self.bid_lots = bid_lots
        self.ask = ask
        self.ask_lots = ask_lots
        self.count = len(ts)

    def columns(self) -> tuple[Ints, ...]:
        """Return the columns in the order of the constructor."""
        return (self.ts, self.lane, self.bid, self.bid_lots, self.ask, self.ask_lots)

    def part(self, begin: int, end: int) -> QuoteColumns:
        """Return the rows from `begin` to before `end`, without copying them."""
        return QuoteColumns(*[slice_of(column, begin, end) for column in self.columns()])


class BarColumns:
    """Closed bars; `ts` is the close, at which a bar is known, and `open_ts + interval_us`. Volumes are in lots."""

    __slots__ = ("close", "count", "high", "interval_us", "lane", "low", "open", "open_ts", "ts", "volume")

    ts: Ints
    lane: Ints
    open_ts: Ints
    interval_us: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints
    count: int

    def __init__(
        self,
        ts: Ints,
        lane: Ints,
        open_ts: Ints,
        interval_us: Ints,
        open: Ints,  # noqa: A002  the word of the field, and the column's name
        high: Ints,
        low: Ints,
        close: Ints,
        volume: Ints,
    ) -> None:
        check_lengths("bars", (ts, lane, open_ts, interval_us, open, high, low, close, volume))
        self.ts = ts
        self.lane = lane
        self.open_ts = open_ts
        self.interval_us = interval_us
        self.open = open
        self.high = high
        self.low = low
        self.close = close
        self.volume = volume
        self.count = len(ts)

    def columns(self) -> tuple[Ints, ...]:
        """Return the columns in the order of the constructor."""
        return (self.ts, self.lane, self.open_ts, self.interval_us, self.open, self.high, self.low, self.close,
                self.volume)  # fmt: skip

    def part(self, begin: int, end: int) -> BarColumns:
        """Return the rows from `begin` to before `end`, without copying them."""
        return BarColumns(*[slice_of(column, begin, end) for column in self.columns()])


class MarketColumns:
    """Trades, quotes and bars of some instruments; `lane` of every row is an index of `instruments`.

    Args:
        instruments: in the order of the plan.
        trades: none when not given, as with quotes and bars.
        sha256: the content's, where it is known already.
    """

    __slots__ = ("_sha256", "bars", "instruments", "quotes", "trades")

    instruments: tuple[Instrument, ...]
    trades: TradeColumns
    quotes: QuoteColumns
    bars: BarColumns
    _sha256: str

    def __init__(
        self,
        instruments: tuple[Instrument, ...],
        trades: TradeColumns | None = None,
        quotes: QuoteColumns | None = None,
        bars: BarColumns | None = None,
        sha256: str = "",
    ) -> None:
        self.instruments = instruments
        self.trades = no_trades() if trades is None else trades
        self.quotes = no_quotes() if quotes is None else quotes
        self.bars = no_bars() if bars is None else bars
        self._sha256 = sha256

    def count(self) -> int:
        """Return the number of rows of all kinds."""
        return self.trades.count + self.quotes.count + self.bars.count

    def first_ts(self) -> int:
        """Return the earliest time, 0 without a row."""
        first = _NEVER
        if self.trades.count > 0:
            first = self.trades.ts[0]
        if self.quotes.count > 0 and self.quotes.ts[0] < first:
            first = self.quotes.ts[0]
        if self.bars.count > 0 and self.bars.ts[0] < first:
            first = self.bars.ts[0]
        return 0 if first == _NEVER else first

    def last_ts(self) -> int:
        """Return the latest time, 0 without a row."""
        last = 0
        if self.trades.count > 0:
            last = self.trades.ts[self.trades.count - 1]
        if self.quotes.count > 0 and self.quotes.ts[self.quotes.count - 1] > last:
            last = self.quotes.ts[self.quotes.count - 1]
        if self.bars.count > 0 and self.bars.ts[self.bars.count - 1] > last:
            last = self.bars.ts[self.bars.count - 1]
        return last

    def sha256(self) -> str:
        """Return the SHA-256, in hex, of the instruments' ids and decimals and of every column; computed once."""
        if not self._sha256:
            self._sha256 = content_sha256(self)
        return self._sha256

    def between(self, start_ts: int, end_ts: int) -> MarketColumns:
        """Return the rows from `start_ts` to before `end_ts`, without copying them."""
        trades, quotes, bars = self.trades, self.quotes, self.bars
        return MarketColumns(
            self.instruments,
            trades.part(bisect_left(trades.ts, start_ts), bisect_left(trades.ts, end_ts)),
            quotes.part(bisect_left(quotes.ts, start_ts), bisect_left(quotes.ts, end_ts)),
            bars.part(bisect_left(bars.ts, start_ts), bisect_left(bars.ts, end_ts)),
        )


class MarketCursor:
    """Where a run is in its columns: the next row of each kind."""

    __slots__ = ("bar", "market", "quote", "trade")

    market: MarketColumns
    trade: int
    quote: int
    bar: int

    def __init__(self, market: MarketColumns) -> None:
        self.market = market
        self.trade = 0
        self.quote = 0
        self.bar = 0

    def next_ts(self) -> int:
        """Return the time of the next row, 2**62 when there is none."""
        trades: TradeColumns = self.market.trades
        quotes: QuoteColumns = self.market.quotes
        bars: BarColumns = self.market.bars
        ts = _NEVER
        if self.trade < trades.count:
            ts = trades.ts[self.trade]
        if self.quote < quotes.count and quotes.ts[self.quote] < ts:
            ts = quotes.ts[self.quote]
        if self.bar < bars.count and bars.ts[self.bar] < ts:
            ts = bars.ts[self.bar]
        return ts

    def next_kind(self) -> int:
        """Return the kind of the next row: `TRADE`, `QUOTE`, `BAR`, or `NOTHING`; the caller counts its index up."""
        trades: TradeColumns = self.market.trades
        quotes: QuoteColumns = self.market.quotes
        ts = self.next_ts()
        if ts == _NEVER:
            return NOTHING
        if self.trade < trades.count and trades.ts[self.trade] == ts:
            return TRADE
        if self.quote < quotes.count and quotes.ts[self.quote] == ts:
            return QUOTE
        return BAR

    def done(self) -> int:
        """Return how many rows are behind."""
        return self.trade + self.quote + self.bar


def no_trades() -> TradeColumns:
    """Return columns without a row."""
    return TradeColumns(ints(0), ints(0), ints(0), ints(0))


def no_quotes() -> QuoteColumns:
    """Return columns without a row."""
    return QuoteColumns(ints(0), ints(0), ints(0), ints(0), ints(0), ints(0))


def no_bars() -> BarColumns:
    """Return columns without a row."""
    return BarColumns(ints(0), ints(0), ints(0), ints(0), ints(0), ints(0), ints(0), ints(0), ints(0))


def slice_of(column: Ints, begin: int, end: int) -> Ints:
    """Return a part of a column without copying it."""
    return cast("Ints", memoryview(column)[begin:end])


def check_lengths(kind: str, columns: tuple[Ints, ...]) -> None:
    """Raise `ValueError` unless all columns have the same number of rows."""
    lengths = [len(column) for column in columns]
    if len(set(lengths)) > 1:
        raise ValueError(f"The columns of {kind} have {lengths} rows; they must have the same number.")


def content_sha256(market: MarketColumns) -> str:
    """Return the SHA-256 of the content in hex; numbers are hashed as little-endian 64-bit integers."""
    digest = hashlib.sha256()
    for instrument in market.instruments:
        digest.update(f"{instrument.id} {instrument.price_decimals} {instrument.size_decimals}\n".encode())
    for kind in (market.trades, market.quotes, market.bars):
        digest.update(f"{kind.count}\n".encode())
        for column in kind.columns():
            digest.update(little_endian(column))
    return digest.hexdigest()


def little_endian(column: Ints) -> bytes | memoryview:
    """Return a column's bytes, the low one of each number first."""
    octets = memoryview(column).cast("B")
    if sys.byteorder == "little":
        return octets
    swapped = ints(len(column))
    memoryview(swapped).cast("B")[:] = octets
    swapped.byteswap()
    return swapped.tobytes()
