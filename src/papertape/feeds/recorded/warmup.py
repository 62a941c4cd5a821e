"""Splitting a recording into its warm-up, played at once, and the rest, played at a pace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from papertape.feeds.level_book import LevelBook
from papertape.feeds.recorded.recording import Moment, Recording, Tally
from papertape.model.entries import BookGap, BookUpdate, MarketEvent
from papertape.model.instrument import Instrument


class Prepared(NamedTuple):
    """A recording split at the end of its warm-up; `rest` begins with each instrument's book as it stood there."""

    history: list[MarketEvent]
    rest: Iterator[Moment]
    tally: Tally


def prepare(
    recording: Recording, instruments: Sequence[Instrument], warmup_us: int, resume_after: int | None = None
) -> Prepared:
    """Read the first `warmup_us` of a recording, or all up to the exchange time `resume_after`.

    Books are carried over the border, as changes alone say nothing.
    """
    tally = Tally()
    moments = recording.play(instruments, tally)
    books: dict[str, LevelBook] = {}
    history: list[MarketEvent] = []
    border: int | None = None
    for moment in moments:
        border = moment.recv_us + warmup_us if border is None else border
        is_past = moment.recv_us >= border if resume_after is None else moment.events[0].ts > resume_after
        if is_past:
            snapshots = _snapshots(books, moment)
            return Prepared(history, chain(snapshots, (moment,), moments), tally)
        for event in moment.events:
            _sort(event, books, history)
    return Prepared(history, iter(()), tally)


def _sort(event: MarketEvent, books: dict[str, LevelBook], history: list[MarketEvent]) -> None:
    if isinstance(event, BookUpdate):
        books.setdefault(event.instrument, LevelBook()).apply(event)
    elif isinstance(event, BookGap):
        books.setdefault(event.instrument, LevelBook()).void()
    else:
        history.append(event)


def _snapshots(books: dict[str, LevelBook], border: Moment) -> Iterator[Moment]:
    ts = border.events[0].ts
    updates: list[MarketEvent] = [
        book.snapshot(instrument, ts, border.recv_us) for instrument, book in sorted(books.items()) if book.is_valid
    ]
    if updates:
        yield Moment(border.recv_us, updates)
