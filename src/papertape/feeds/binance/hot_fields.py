"""The fields of one hot message: where they stand in its bytes, and the numbers in them. Pure.

Only what is written as plainly as the venue writes is read: see `hot_frames`.
"""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.feeds.binance.clock_offset import LATEST_MS
from papertape.feeds.binance.position import Position
from papertape.model.buffers import Ints, ints

NO_NUMBER = -1
MOST_DIGITS = 18
TEXT, INTEGER, TRUTH, LEVELS = 1, 2, 3, 4
KINDS = 8
PU, IGNORED = 1, 0
"""The places of two-letter fields; a field of one letter is at the letter's own place."""


class Fields:
    """The fields of the message scanned last, by their letter, and the instruments by their symbol.

    A mark above `floor` is of this message and says the value's kind. A text stands from `starts` to `stops`; one that
    is a decimal number is `numbers` with `places` digits after its point. Integers and truths are in `numbers`.
    """

    __slots__ = (
        "asks",
        "bids",
        "digits",
        "floor",
        "fraction",
        "marks",
        "newest",
        "newest_symbol",
        "numbers",
        "places",
        "positions",
        "starts",
        "stops",
        "tens",
    )
    positions: dict[bytes, Position]
    newest: Position | None
    newest_symbol: bytes
    floor: int
    digits: int
    fraction: int
    marks: Ints
    starts: Ints
    stops: Ints
    numbers: Ints
    places: Ints
    tens: Ints
    bids: list[tuple[int, int]]
    asks: list[tuple[int, int]]

    def __init__(self) -> None:
        self.positions = {}
        self.newest = None
        self.newest_symbol = b""
        self.floor = self.digits = self.fraction = 0
        self.marks = ints(128)
        self.starts = ints(128)
        self.stops = ints(128)
        self.numbers = ints(128)
        self.places = ints(128)
        self.tens = ints(MOST_DIGITS + 1)
        for power in range(MOST_DIGITS + 1):
            self.tens[power] = int("1" + "0" * power)
        self.bids = []
        self.asks = []

    def add(self, symbol: bytes, position: Position) -> None:
        """Take the messages of an instrument from now on."""
        self.positions[symbol] = position
        self.newest = None

    def remove(self, symbol: bytes) -> None:
        """Refuse the messages of an instrument from now on."""
        self.positions.pop(symbol, None)
        self.newest = None

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
            at = self.value(raw, at + 2, end, key)
            if at == end:
                return True
            if at < 0 or raw[at] != 44:
                return False
            at += 1
        return False

    def value(self, raw: bytes, start: int, end: int, key: int) -> int:
        """Note the value that begins at `start` and return where it ends, or -1."""
        at = start
        byte: int = raw[at]
        if byte == 34:
            return self.text(raw, at + 1, end, key)
        if 48 <= byte <= 57:
            at = self.decimal(raw, at)
            if self.fraction != 0 or (byte == 48 and at > start + 1):
                return -1
            self.numbers[key] = self.digits
            self.marks[key] = self.floor + INTEGER
            return at
        if byte == 91:
            return self.side(raw, at, end, key)
        if raw.startswith(b"true", at):
            self.numbers[key] = 1
            at += 4
        elif raw.startswith(b"false", at):
            self.numbers[key] = 0
            at += 5
        else:
            return -1
        self.marks[key] = self.floor + TRUTH
        return at

    def text(self, raw: bytes, start: int, end: int, key: int) -> int:
        """Note the text that begins at `start` and return what follows its closing quote, or -1."""
        at = self.decimal(raw, start)
        self.starts[key] = start
        self.numbers[key] = self.digits
        self.places[key] = self.fraction
        byte: int = raw[at]
        if byte != 34:
            self.places[key] = NO_NUMBER
        while byte != 34:
            if byte < 32 or byte > 126 or byte == 92 or at >= end:
                return -1
            at += 1
            byte = raw[at]
        self.stops[key] = at
        self.marks[key] = self.floor + TEXT
        return at + 1

    def decimal(self, raw: bytes, start: int) -> int:
        """Take `digits` with `fraction` of them after the point, `NO_NUMBER` if too many or none; return their end."""
        at = start
        number: int = 0
        byte: int = raw[at]
        while 48 <= byte <= 57:
            number = number * 10 + byte - 48
            at += 1
            byte = raw[at]
        used = at - start
        fraction = 0 if used > 0 else NO_NUMBER
        if byte == 46 and used > 0:
            at += 1
            point = at
            byte = raw[at]
            while 48 <= byte <= 57:
                number = number * 10 + byte - 48
                at += 1
                byte = raw[at]
            fraction = at - point
            used += fraction
            if fraction == 0:
                fraction = NO_NUMBER
        if used > MOST_DIGITS:
            number = 0
            fraction = NO_NUMBER
        self.digits = number
        self.fraction = fraction
        return at

    def units(self, raw: bytes, start: int, stop: int, decimals: int, is_exact: bool) -> int:
        """Return `digits` in units of `10**-decimals`, or `NO_NUMBER`; the text from `start` to `stop` has them."""
        number, places = self.digits, self.fraction
        if places == decimals:
            return number
        if places == NO_NUMBER:
            return scaled(raw, start, stop, decimals, is_exact)
        if places > decimals:
            unit: int = self.tens[places - decimals]
            whole = number // unit
            return NO_NUMBER if is_exact and whole * unit != number else whole
        missing = decimals - places
        if missing > MOST_DIGITS or number >= self.tens[MOST_DIGITS - missing]:
            return NO_NUMBER
        return number * self.tens[missing]

    def side(self, raw: bytes, start: int, end: int, key: int) -> int:
        """Note one side of a book update, [["61800.20","0.006"],…], and return where it ends, or -1."""
        # Its decimals are known when the symbol came before it, as the venue sends it.
        position = self.position(raw)
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
                at = self.decimal(raw, first)
                if raw[at] != 34 or raw[at + 1] != 44 or raw[at + 2] != 34:
                    return -1
                price = self.units(raw, first, at, prices, True)
                first = at + 3
                at = self.decimal(raw, first)
                if raw[at] != 34 or raw[at + 1] != 93:
                    return -1
                size = self.units(raw, first, at, sizes, False)
                if price == NO_NUMBER or size == NO_NUMBER:
                    return -1
                levels.append((price, size))
                at += 2
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

    def position(self, raw: bytes) -> Position | None:
        """Return the instrument the message names, None for one that is not taken."""
        if self.marks[115] != self.floor + TEXT:
            return None
        start, stop = self.starts[115], self.stops[115]
        symbol = self.newest_symbol
        if self.newest is not None and stop - start == len(symbol) and raw.startswith(symbol, start):
            return self.newest
        symbol = raw[start:stop]
        found: Position | None = self.positions.get(symbol)
        if found is not None:
            self.newest, self.newest_symbol = found, symbol
        return found

    def has(self, key: int, kind: int) -> bool:
        """Return whether the message has a field of this kind."""
        return self.marks[key] == self.floor + kind

    def has_time(self, key: int) -> bool:
        """Return whether the message has a time in bounds."""
        return self.marks[key] == self.floor + INTEGER and self.numbers[key] <= LATEST_MS

    def may_have_time(self, key: int) -> bool:
        """Return whether the message has no such field, or a time in bounds."""
        return self.marks[key] < self.floor or self.has_time(key)

    def time_ms(self) -> int:
        """Return when the venue did it, where it says so; else when it said it."""
        if self.has(84, INTEGER) and self.numbers[84] != 0:
            return self.numbers[84]
        return self.numbers[69]

    def price(self, raw: bytes, key: int, position: Position) -> int:
        """Return a text as a price of the instrument, or `NO_NUMBER`."""
        self.digits, self.fraction = self.numbers[key], self.places[key]
        return self.units(raw, self.starts[key], self.stops[key], position.price_decimals, True)

    def size(self, raw: bytes, key: int, position: Position) -> int:
        """Return a text as a size of the instrument, or `NO_NUMBER`."""
        self.digits, self.fraction = self.numbers[key], self.places[key]
        return self.units(raw, self.starts[key], self.stops[key], position.size_decimals, False)


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
