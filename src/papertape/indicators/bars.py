"""Bars of any interval, built from trades and from the venue's own history.

A bar covers `[open, open + interval)`, aligned to the epoch. It closes when time reaches its end. An interval without a
trade gives a flat bar at the last close with volume 0, as venues do, from the first trade on; after a silence of more
than `MAX_FLAT_BARS` intervals only that many are made. The first bar may have begun before the first trade was seen:
its close is right all the same.

Volume is counted in lots, the instrument's size units, as 64-bit integers: exact while a bar has fewer than 2**63.
"""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

MAX_FLAT_BARS = 1_440
_MINUTE = 60_000_000
_NEVER = 1 << 62


class Bar:
    """A closed bar over `[ts_open, ts_close)`, microseconds UTC; prices in quote units, volume in base units."""

    __slots__ = ("close", "high", "low", "open", "ts_close", "ts_open", "volume")

    ts_open: int
    ts_close: int
    open: float
    high: float
    low: float
    close: float
    volume: float

    def __init__(
        self,
        ts_open: int,
        ts_close: int,
        open: float,  # noqa: A002 - the field's own word
        high: float,
        low: float,
        close: float,
        volume: float,
    ) -> None:
        self.ts_open = ts_open
        self.ts_close = ts_close
        self.open = open
        self.high = high
        self.low = low
        self.close = close
        self.volume = volume

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bar) and self.fields() == other.fields()

    def __hash__(self) -> int:
        return hash(self.fields())

    def __repr__(self) -> str:
        return f"Bar{self.fields()}"

    def fields(self) -> tuple[int, int, float, float, float, float, float]:
        """Return the fields in the order of the constructor."""
        return (self.ts_open, self.ts_close, self.open, self.high, self.low, self.close, self.volume)


class Piece:
    """A stretch of trades or one venue bar over `[start, end)`; `volume` is in lots."""

    __slots__ = ("close", "end", "high", "low", "open", "start", "volume")

    start: int
    end: int
    open: float
    high: float
    low: float
    close: float
    volume: int

    def __init__(self) -> None:
        self.start = 0
        self.end = 0
        self.open = 0.0
        self.high = 0.0
        self.low = 0.0
        self.close = 0.0
        self.volume = 0

    def add(self, price: float, lots: int) -> None:
        """Take one trade; `lots` may carry the side as its sign."""
        if price > self.high:
            self.high = price
        if price < self.low:
            self.low = price
        self.close = price
        self.volume += lots if lots > 0 else -lots


def piece_of(start: int, end: int, open_: float, high: float, low: float, close: float, volume: int) -> Piece:
    """Return a piece with these fields."""
    piece = Piece()  # numbers given to a constructor would be objects on their way there
    piece.start = start
    piece.end = end
    piece.open = open_
    piece.high = high
    piece.low = low
    piece.close = close
    piece.volume = volume
    return piece


def no_piece() -> Piece:
    """Return the piece that stands where there is none: it ended before every time."""
    return piece_of(-_NEVER, -_NEVER, 0.0, 0.0, 0.0, 0.0, 0)


def merge(pieces: list[Piece], start: int, end: int) -> Piece:
    """Return the piece over `[start, end)` that holds all of `pieces`, which must not be empty and in order."""
    piece: Piece = pieces[0]
    whole = piece_of(start, end, piece.open, piece.high, piece.low, piece.close, piece.volume)
    for index in range(1, len(pieces)):
        absorb(whole, pieces[index])
    return whole


def absorb(whole: Piece, piece: Piece) -> None:
    """Add a later piece to one that is not empty.

    One without volume, such as a venue's flat bar, counts only where all are: its open is no trade's.
    """
    if piece.volume and not whole.volume:
        whole.open = piece.open
        whole.high = piece.high
        whole.low = piece.low
        whole.close = piece.close
        whole.volume = piece.volume
    elif piece.volume or not whole.volume:
        whole.high = max(whole.high, piece.high)
        whole.low = min(whole.low, piece.low)
        whole.close = piece.close
        whole.volume += piece.volume


class BarBuilder:
    """Builds the bars of one interval, one at a time; `closed` holds those that the last call to return True closed.

    Trades of a venue bar's time are never counted twice: an accepted venue bar replaces what trades made of its time,
    and trades older than the end of the newest accepted venue bar are left out. Accepted is a venue bar that is whole
    minutes or the whole interval, divides the interval, and is not older than the bar being built; history must
    therefore come in order of time.

    `due` is when the bar being built closes, microseconds UTC; far away before the first trade.
    """

    __slots__ = (
        "_covered",
        "_grain",
        "_last_close",
        "_now",
        "_piece",
        "_pieces",
        "_start",
        "_units",
        "closed",
        "due",
        "interval",
    )

    interval: int
    due: int
    closed: list[Bar]
    _units: float
    _grain: int
    _now: int
    _start: int
    _covered: int
    _last_close: float
    _piece: Piece
    _pieces: list[Piece]

    def __init__(self, interval_us: int, units: float = 1.0) -> None:
        """Build bars of `interval_us` microseconds from lots of which `units` make one of the base."""
        self.interval = interval_us
        self.due = _NEVER
        self.closed = []
        self._units = units
        self._grain = _MINUTE if interval_us % _MINUTE == 0 else interval_us
        self._now = -_NEVER
        self._start = 0
        self._covered = -_NEVER
        self._last_close = 0.0
        self._piece = no_piece()
        self._pieces = []

    def on_trade(self, ts: int, price: float, lots: int) -> bool:
        """Take a trade, its side in the sign of `lots` or left out; return whether its time closed bars."""
        if ts < self._covered:
            return False
        if ts < self._now:
            ts = self._now
        else:
            self._now = ts
        has_closed = ts >= self.due and self.advance(ts)
        if ts >= self._piece.end:
            self._begin_piece(ts, price)
        self._piece.add(price, lots)
        return has_closed

    def on_venue_bar(self, piece: Piece) -> bool:
        """Take a closed bar of the venue's history; return whether its open closed bars."""
        span = piece.end - piece.start
        if self.interval % span or span % self._grain or piece.start % span:
            return False
        if self.due != _NEVER and piece.start < self._start:
            return False
        has_closed = self.advance(piece.start)
        if self.due == _NEVER:
            self._begin_bar(piece.start)
        kept = [other for other in self._pieces if other.end <= piece.start or other.start >= piece.end]
        kept.append(piece)
        kept.sort(key=_start_of)
        self._pieces = kept
        self._piece = no_piece()
        self._covered = max(self._covered, piece.end)
        return has_closed

    def advance(self, ts: int) -> bool:
        """Close the bars that end at or before `ts`; return whether there were any."""
        if ts > self._now:
            self._now = ts
        if ts < self.due:
            return False
        closed = [self._close()]
        missing = (ts - self.due) // self.interval + 1
        if missing > MAX_FLAT_BARS + 1:
            self._begin_bar(ts - MAX_FLAT_BARS * self.interval)
        while ts >= self.due:
            closed.append(self._close())
        self.closed = closed
        return True

    def _close(self) -> Bar:
        start = self._start
        end = self.due
        if self._pieces:
            whole = merge(self._pieces, start, end)
            volume = float(whole.volume) / self._units
            bar = Bar(start, end, whole.open, whole.high, whole.low, whole.close, volume)
            self._last_close = bar.close
        else:
            flat = self._last_close
            bar = Bar(start, end, flat, flat, flat, flat, 0.0)
        self._begin_bar(end)
        return bar

    def _begin_bar(self, ts: int) -> None:
        self._start = ts - ts % self.interval
        self.due = self._start + self.interval
        self._piece = no_piece()
        self._pieces = []

    def _begin_piece(self, ts: int, price: float) -> None:
        if self.due == _NEVER:
            self._begin_bar(ts)
        start = ts - ts % self._grain
        self._piece = piece_of(start, start + self._grain, price, price, price, price, 0)
        self._pieces.append(self._piece)


def _start_of(piece: Piece) -> int:
    return piece.start
