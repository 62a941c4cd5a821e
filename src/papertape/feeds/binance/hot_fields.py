"""The fields of one hot message: where they stand in its bytes, and the numbers in them. Pure.

Only what is written as plainly as the venue writes is read: see `hot_frames`.
"""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.feeds.binance.book_sync import BookSync
from papertape.feeds.binance.clock_offset import LATEST_MS
from papertape.feeds.binance.numbers import IntegerParser, make_scale
from papertape.feeds.binance.trade_sync import TradeSync
from papertape.model.buffers import Ints, ints
from papertape.model.instrument import Instrument

NO_ID = -1
NO_NUMBER = -1
MOST_DIGITS = 18
TEXT, INTEGER, TRUTH, LEVELS = 1, 2, 3, 4
KINDS = 8
PU, IGNORED = 1, 0
"""The places of two-letter fields; a field of one letter is at the letter's own place."""


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


class Fields:
    """The fields of the message scanned last, by their letter, and the instruments in `positions` by their symbol.

    A mark above `floor` is of this message and says the value's kind: a text from `values` to `stops`, or a number.
    """

    __slots__ = ("asks", "bids", "floor", "marks", "positions", "stops", "values")
    positions: dict[bytes, Position]
    floor: int
    marks: Ints
    values: Ints
    stops: Ints
    bids: list[tuple[int, int]]
    asks: list[tuple[int, int]]

    def __init__(self) -> None:
        self.positions = {}
        self.floor = 0
        self.marks = ints(128)
        self.values = ints(128)
        self.stops = ints(128)
        self.bids = []
        self.asks = []

    def scan(self, raw: bytes, start: int, end: int) -> bool:
        """Note every field from `start` to the closing braces at `end`, or return False."""
        # Every loop here stops at the closing braces at the latest.
        at = start
        self.floor += KINDS
        while at + 4 < end and raw[at] == 34:
            key: int = raw[at + 1]
            if key < 65 or key > 122 or 90 < key < 97:
                return False
            at += 2
            if raw[at] != 34:
                second: int = raw[at]
                if second < 97 or second > 122:
                    return False
                key = PU if key == 112 and second == 117 else IGNORED
                at += 1
            if raw[at] != 34 or raw[at + 1] != 58 or (key != IGNORED and self.marks[key] >= self.floor):
                return False
            at = self._value(raw, at + 2, end, key)
            if at == end:
                return True
            if at < 0 or raw[at] != 44:
                return False
            at += 1
        return False

    def _value(self, raw: bytes, start: int, end: int, key: int) -> int:
        at = start
        byte: int = raw[at]
        if byte == 34:
            at += 1
            self.values[key] = at
            byte = raw[at]
            while byte != 34:
                if byte < 32 or byte > 126 or byte == 92 or at >= end:
                    return -1
                at += 1
                byte = raw[at]
            self.stops[key] = at
            self.marks[key] = self.floor + TEXT
            return at + 1
        if 48 <= byte <= 57:
            return self._integer(raw, at, key)
        if byte == 91:
            return self._side(raw, at, end, key)
        if raw.startswith(b"true", at):
            self.values[key] = 1
            at += 4
        elif raw.startswith(b"false", at):
            self.values[key] = 0
            at += 5
        else:
            return -1
        self.marks[key] = self.floor + TRUTH
        return at

    def _integer(self, raw: bytes, start: int, key: int) -> int:
        at = start
        byte: int = raw[at]
        number: int = 0
        while 48 <= byte <= 57:
            if at - start == MOST_DIGITS:
                return -1
            number = number * 10 + byte - 48
            at += 1
            byte = raw[at]
        if raw[start] == 48 and at - start > 1:
            return -1
        self.values[key] = number
        self.marks[key] = self.floor + INTEGER
        return at

    def _symbol(self, raw: bytes) -> Position | None:
        if self.marks[115] != self.floor + TEXT:
            return None
        return self.positions.get(raw[self.values[115] : self.stops[115]])

    def _side(self, raw: bytes, start: int, end: int, key: int) -> int:
        # One side of a book update: [["61800.20","0.006"],…]. Its decimals are known when the symbol came before it.
        position: Position | None = self._symbol(raw)
        if position is None or (key != 97 and key != 98):
            return -1
        levels: list[tuple[int, int]] = []
        prices, sizes = position.price_decimals, position.size_decimals
        at = start + 1
        if raw[at] != 93:
            while True:
                if at + 8 >= end or raw[at] != 91 or raw[at + 1] != 34:
                    return -1
                first = at + 2
                stop = text_end(raw, first)
                if raw[stop] != 34 or raw[stop + 1] != 44 or raw[stop + 2] != 34:
                    return -1
                second = stop + 3
                size_stop = text_end(raw, second)
                if raw[size_stop] != 34 or raw[size_stop + 1] != 93:
                    return -1
                price = scaled(raw, first, stop, prices, True)
                size = scaled(raw, second, size_stop, sizes, False)
                if price == NO_NUMBER or size == NO_NUMBER:
                    return -1
                levels.append((price, size))
                at = size_stop + 2
                if raw[at] == 93:
                    break
                if raw[at] != 44:
                    return -1
                at += 1
        if key == 98:
            self.bids = levels
        else:
            self.asks = levels
        self.marks[key] = self.floor + LEVELS
        return at + 1

    def _has(self, key: int, kind: int) -> bool:
        return self.marks[key] == self.floor + kind

    def _has_time(self, key: int) -> bool:
        return self.marks[key] == self.floor + INTEGER and self.values[key] <= LATEST_MS

    def _may_have_time(self, key: int) -> bool:
        return self.marks[key] < self.floor or self._has_time(key)

    def _time(self) -> int:
        # When the venue did it, where it says so; else when it said it.
        if self._has(84, INTEGER) and self.values[84] != 0:
            return self.values[84]
        return self.values[69]

    def _price(self, raw: bytes, key: int, position: Position) -> int:
        return scaled(raw, self.values[key], self.stops[key], position.price_decimals, True)

    def _size(self, raw: bytes, key: int, position: Position) -> int:
        return scaled(raw, self.values[key], self.stops[key], position.size_decimals, False)


def stream_kind(raw: bytes) -> int:
    """Return where the kind of a stream's message begins, after the `@` of its name; -1 when it is none."""
    if not raw.startswith(b'{"stream":"'):
        return -1
    at = 11
    end = len(raw)
    while at < end:
        byte: int = raw[at]
        if byte == 64:
            return at + 1 if at > 11 else -1
        if not (97 <= byte <= 122 or 48 <= byte <= 57 or byte == 95):
            return -1
        at += 1
    return -1


def are_streams(messages: list[bytes]) -> bool:
    """Return whether every message is one of a symbol's stream, and none an answer or an announcement."""
    at = 0
    while at < len(messages) and stream_kind(messages[at]) >= 0:
        at += 1
    return at == len(messages)


def text_end(raw: bytes, start: int) -> int:
    """Return where a number's digits and points end."""
    at = start
    byte: int = raw[at]
    while 48 <= byte <= 57 or byte == 46:
        at += 1
        byte = raw[at]
    return at


def scaled(raw: bytes, start: int, stop: int, decimals: int, is_exact: bool) -> int:
    """Return a decimal text in units of `10**-decimals`, `NO_NUMBER` for what is none or does not fit 18 digits.

    More decimals are refused, or cut when not `is_exact`, as `numbers` has it. A byte that is no digit must stand at
    `stop`.
    """
    number: int = 0
    at = start
    byte: int = raw[at]
    while 48 <= byte <= 57:
        if at - start + decimals >= MOST_DIGITS:
            return NO_NUMBER
        number = number * 10 + byte - 48
        at += 1
        byte = raw[at]
    if at == start or at > stop:
        return NO_NUMBER
    missing = decimals
    if at < stop:
        at += 1
        if byte != 46 or at == stop:
            return NO_NUMBER
        while at < stop:
            byte = raw[at]
            if byte < 48 or byte > 57:
                return NO_NUMBER
            if missing > 0:
                number = number * 10 + byte - 48
                missing -= 1
            elif is_exact and byte != 48:
                return NO_NUMBER
            at += 1
    while missing > 0:
        number *= 10
        missing -= 1
    return number
