"""The bars of one instrument for charts, of any interval."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import chain

import msgspec

from papertape.errors import Invalid
from papertape.indicators.bars import Piece, absorb, merge, no_piece, piece_of
from papertape.indicators.run import Run
from papertape.model.buffers import Floats, Ints

SECONDS_KEPT = 4 * 3_600
"""How many 1 s bars with trades are kept."""
MINUTES_KEPT = 7 * 1_440
"""How many 1 min bars with trades are kept, and how many venue bars."""
MAX_BARS = 10_000
"""The most bars one call returns."""

_SECOND = 1_000_000
_MINUTE = 60 * _SECOND


class ChartBar(msgspec.Struct, frozen=True, gc=False):
    """One bar: `open_ts` in microseconds UTC, prices in quote units, volume in base units; partial until it closes."""

    open_ts: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    is_partial: bool


class BarSeries:
    """Keeps bars of a second for hours and of a minute for days, and the venue's own bars from before the start.

    Where a venue bar covers the time it counts and trades do not, for intervals it divides; shorter intervals are made
    of trades alone.
    """

    __slots__ = ("_covered", "_current", "_minutes", "_now", "_seconds", "_units", "_venue")

    _now: int
    _covered: int
    _units: float
    _current: Piece
    _seconds: deque[Piece]
    _minutes: deque[Piece]
    # By length in microseconds, then by start.
    _venue: dict[int, dict[int, Piece]]

    def __init__(self, units: float = 1.0) -> None:
        """Begin without bars; `units` lots make one of the base."""
        self._now = 0
        self._covered = 0
        self._units = units
        self._current = no_piece()
        self._seconds = deque(maxlen=SECONDS_KEPT)
        self._minutes = deque(maxlen=MINUTES_KEPT)
        self._venue = {}

    def on_trade(self, ts: int, price: float, lots: int) -> None:
        """Take one public print; one older than the newest event is taken at that one's time.

        One older than the end of the newest venue bar is left out: that bar has counted it.
        """
        if ts < self._covered:
            return
        if ts < self._now:
            ts = self._now
        else:
            self._now = ts
        piece = self._current
        if ts >= piece.end:
            self._begin(ts, price)
            piece = self._current
        if piece.low < price < piece.high:
            piece.close = price
            piece.volume += abs(lots)
        else:
            piece.add(price, lots)

    def on_run(self, run: Run) -> None:
        """Take a run of nothing but trades."""
        at = 0
        while at < run.count:
            self.on_trade(run.times[at], run.prices[at], run.lots[at])
            at += 1
            if self._now <= run.times[at - 1]:
                at = self._add(run, at)

    def _add(self, run: Run, at: int) -> int:
        # What belongs to the newest piece, beginning at a place of the run; returns the place after it.
        piece = self._current
        times: Ints = run.times
        prices: Floats = run.prices
        lots: Ints = run.lots
        high, low, volume = piece.high, piece.low, piece.volume
        first = at
        while at < run.count and self._covered <= times[at] < piece.end:
            high = max(high, prices[at])
            low = min(low, prices[at])
            volume += abs(lots[at])
            at += 1
        if at > first:
            self._now = times[at - 1]
            piece.close = prices[at - 1]
            piece.high, piece.low, piece.volume = high, low, volume
        return at

    def on_venue_bar(self, piece: Piece) -> None:
        """Take a closed bar of the venue's history, in order of time."""
        bars = self._venue.setdefault(piece.end - piece.start, {})
        bars[piece.start] = piece
        if len(bars) > MINUTES_KEPT:
            del bars[next(iter(bars))]
        self._covered = max(self._covered, piece.end)
        self.on_time(piece.end)

    def on_time(self, ts: int) -> None:
        """Take note of the time, microseconds UTC, which decides what is partial."""
        if ts > self._now:
            self._now = ts

    def bars(self, interval_s: int, limit: int) -> list[ChartBar]:
        """Return the newest `limit` bars (`MAX_BARS` at most), oldest first; an interval without trades is flat.

        Raises:
            Invalid: the interval is not at least a second.
        """
        if interval_s < 1:
            raise Invalid(
                f"The interval of a bar is {interval_s} s; expected a whole number of seconds from 1 up.",
                code="bars.interval_out_of_range",
                path="interval",
            )
        interval = interval_s * _SECOND
        newest = self._now - self._now % interval
        since = newest - (min(limit, MAX_BARS) - 1) * interval
        pieces = sorted(self._pieces(interval, since), key=_start_of)
        before = [piece for piece in pieces if piece.start < since]
        grouped: dict[int, list[Piece]] = {}
        for piece in pieces[len(before) :]:
            grouped.setdefault(piece.start - piece.start % interval, []).append(piece)
        if not before:
            since = next(iter(grouped), newest + 1)
        close = before[len(before) - 1].close if before else 0.0
        bars: list[ChartBar] = []
        for start in range(since, newest + 1, interval):
            bar = self._chart_bar(grouped.get(start), start, interval, close, self._now)
            close = bar.close
            bars.append(bar)
        return bars

    def closed(self, interval_s: int, after_ts: int, until_ts: int) -> list[ChartBar]:
        """Return the bars with trades that end after `after_ts` and not after `until_ts`, oldest first.

        They are final when no event older than `until_ts` comes any more.
        """
        interval = interval_s * _SECOND
        since, end = after_ts - after_ts % interval, until_ts - until_ts % interval
        if since >= end:
            return []
        grouped: dict[int, list[Piece]] = {}
        for piece in sorted(self._pieces(interval, since), key=_start_of):
            if since <= piece.start < end:
                grouped.setdefault(piece.start - piece.start % interval, []).append(piece)
        return [self._chart_bar(grouped[start], start, interval, 0.0, until_ts) for start in sorted(grouped)]

    def _pieces(self, interval: int, since: int) -> Iterator[Piece]:
        # Newest first, down to one from before `since`, whose close fills what follows it.
        length = max((span for span in self._venue if interval % span == 0), default=0)
        venue = self._venue.get(length, {})
        now = (self._current,) if self._has_trades() else ()
        for piece in chain(now, reversed(self._minutes if interval % _MINUTE == 0 else self._seconds)):
            if not (length and piece.start - piece.start % length in venue):
                yield piece
                if piece.start < since:
                    break
        for piece in reversed(venue.values()):
            yield piece
            if piece.start < since:
                break

    def _has_trades(self) -> bool:
        return self._current.end > self._current.start

    def _begin(self, ts: int, price: float) -> None:
        if self._has_trades():
            self._keep(self._current)
        start = ts - ts % _SECOND
        self._current = piece_of(start, start + _SECOND, price, price, price, price, 0)

    def _keep(self, second: Piece) -> None:
        self._seconds.append(second)
        start = second.start - second.start % _MINUTE
        minutes = self._minutes
        if minutes:
            newest: Piece = minutes[len(minutes) - 1]
            if newest.start == start:
                absorb(newest, second)
                return
        minutes.append(merge([second], start, start + _MINUTE))

    def _chart_bar(self, group: list[Piece] | None, start: int, interval: int, close: float, now: int) -> ChartBar:
        end = start + interval
        if group is None:
            return ChartBar(start, close, close, close, close, 0.0, now < end)
        whole = merge(group, start, end)
        volume = float(whole.volume) / self._units
        return ChartBar(start, whole.open, whole.high, whole.low, whole.close, volume, now < end)


def _start_of(piece: Piece) -> int:
    return piece.start
