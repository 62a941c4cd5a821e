"""Bars of any interval, built from trades and from the venue's own history.

A bar covers `[open, open + interval)`, aligned to the epoch. It closes when time reaches its end. An interval without a
trade gives a flat bar at the last close with volume 0, as venues do, from the first trade on; after a silence of more
than `MAX_FLAT_BARS` intervals only that many are made. The first bar may have begun before the first trade was seen:
its close is right all the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from papertape.indicators.fixed import FIXED, to_float

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
    """A stretch of trades or one venue bar over `[start, end)`; `volume` is fixed-point."""

    __slots__ = ("close", "end", "high", "low", "open", "start", "volume")

    def __init__(self, start: int, end: int, open_: float, high: float, low: float, close: float, volume: int) -> None:
        self.start = start
        self.end = end
        self.open = open_
        self.high = high
        self.low = low
        self.close = close
        self.volume = volume

    def add(self, price: float, volume: int) -> None:
        """Take one trade."""
        if price > self.high:
            self.high = price
        if price < self.low:
            self.low = price
        self.close = price
        self.volume += volume


def merge(pieces: Sequence[Piece], start: int, end: int) -> Piece:
    """Return the piece over `[start, end)` that holds all of `pieces`, which must not be empty and in order.

    One without volume, such as a venue's flat bar, counts only where all are: its open is no trade's.
    """
    traded = [piece for piece in pieces if piece.volume] or pieces
    return Piece(
        start,
        end,
        traded[0].open,
        max(piece.high for piece in traded),
        min(piece.low for piece in traded),
        traded[-1].close,
        sum(piece.volume for piece in traded),
    )


class BarBuilder:
    """Builds the bars of one interval, one at a time.

    Trades of a venue bar's time are never counted twice: an accepted venue bar replaces what trades made of its time,
    and trades older than the end of the newest accepted venue bar are left out. Accepted is a venue bar that is whole
    minutes or the whole interval, divides the interval, and is not older than the bar being built; history must
    therefore come in order of time.
    """

    __slots__ = ("_covered", "_grain", "_last_close", "_now", "_piece", "_pieces", "_start", "due", "interval")

    def __init__(self, interval_us: int) -> None:
        self.interval = interval_us
        self.due = _NEVER
        """When the bar being built closes, microseconds UTC; far away before the first trade."""
        self._grain = _MINUTE if interval_us % _MINUTE == 0 else interval_us
        self._now = -_NEVER
        self._start = 0
        self._covered = -_NEVER
        self._last_close = 0.0
        self._piece: Piece | None = None
        self._pieces: list[Piece] = []

    def on_trade(self, ts: int, price: float, size: float) -> Sequence[Bar]:
        """Take a trade; return the bars its time closed, oldest first."""
        if ts < self._covered:
            return ()
        if ts < self._now:
            ts = self._now
        closed = self.advance(ts)
        piece = self._piece
        if piece is not None and ts < piece.end:
            piece.add(price, int(size * FIXED))
        else:
            self._begin_piece(ts, price, int(size * FIXED))
        return closed

    def on_venue_bar(self, piece: Piece) -> Sequence[Bar]:
        """Take a closed bar of the venue's history; return the bars its open closed, oldest first."""
        span = piece.end - piece.start
        if self.interval % span or span % self._grain or piece.start % span:
            return ()
        if self.due != _NEVER and piece.start < self._start:
            return ()
        closed = self.advance(piece.start)
        if self.due == _NEVER:
            self._begin_bar(piece.start)
        kept = [other for other in self._pieces if other.end <= piece.start or other.start >= piece.end]
        self._pieces = sorted([*kept, piece], key=_start_of)
        self._piece = None
        self._covered = max(self._covered, piece.end)
        return closed

    def advance(self, ts: int) -> Sequence[Bar]:
        """Return the bars that end at or before `ts` and were not returned before, oldest first."""
        if ts > self._now:
            self._now = ts
        if ts < self.due:
            return ()
        closed = [self._close()]
        missing = (ts - self.due) // self.interval + 1
        if missing > MAX_FLAT_BARS + 1:
            self._begin_bar(ts - MAX_FLAT_BARS * self.interval)
        while ts >= self.due:
            closed.append(self._close())
        return closed

    def _close(self) -> Bar:
        start, end = self._start, self.due
        if self._pieces:
            whole = merge(self._pieces, start, end)
            bar = Bar(start, end, whole.open, whole.high, whole.low, whole.close, to_float(whole.volume))
            self._last_close = bar.close
        else:
            flat = self._last_close
            bar = Bar(start, end, flat, flat, flat, flat, 0.0)
        self._begin_bar(end)
        return bar

    def _begin_bar(self, ts: int) -> None:
        self._start = ts - ts % self.interval
        self.due = self._start + self.interval
        self._piece = None
        self._pieces = []

    def _begin_piece(self, ts: int, price: float, volume: int) -> None:
        if self.due == _NEVER:
            self._begin_bar(ts)
        start = ts - ts % self._grain
        self._piece = Piece(start, start + self._grain, price, price, price, price, volume)
        self._pieces.append(self._piece)


def _start_of(piece: Piece) -> int:
    return piece.start
