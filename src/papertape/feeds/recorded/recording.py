"""What a recording offers, whatever its file form: instruments, and events in receive order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from papertape.feeds.binance.decoder import MarketDecoder
from papertape.feeds.binance.frames import Market, SnapshotFrame
from papertape.feeds.binance.protocol import parse_frame
from papertape.feeds.level_book import LevelBook
from papertape.feeds.recorded.discover import discover_instruments
from papertape.feeds.recorded.reading import find_frame_files, read_frames
from papertape.model.entries import BookGap, BookUpdate, MarketEvent
from papertape.model.instrument import Instrument, InstrumentId


class Moment(NamedTuple):
    """What was received at one time (microseconds UTC, the recorder's clock)."""

    recv_us: int
    events: list[MarketEvent]


class Tally:
    """What reading a recording met so far."""

    def __init__(self) -> None:
        self.frames = 0
        self.decode_errors = 0
        self.gaps = 0
        self.last_error: str | None = None

    def note(self, decoder: MarketDecoder) -> None:
        """Take over what a decoder counted since it was last noted."""
        if decoder.decode_errors or decoder.gaps:
            self.decode_errors += decoder.decode_errors
            self.gaps += decoder.gaps
            self.last_error = decoder.last_error or self.last_error
            decoder.decode_errors = decoder.gaps = 0


class Recording(Protocol):
    """A recording of one or several instruments."""

    def instruments(self) -> list[Instrument]:
        """Return the instruments in it, by id."""

    def play(self, instruments: Sequence[Instrument], tally: Tally) -> Iterator[Moment]:
        """Yield what was received of `instruments`, oldest first; times as recorded."""


class FrameRecording:
    """Raw venue frames, decoded by the same code as live ones.

    Args:
        path: a file, or a folder of files.
        market: spot or USD-M, where the file names and contents do not say.

    Raises:
        Invalid: nothing readable is there.
    """

    def __init__(self, path: Path, market: Market | None = None) -> None:
        self._files = find_frame_files(path, market)

    def instruments(self) -> list[Instrument]:
        """Return the instruments found in the first frames of each file."""
        return discover_instruments(self._files)

    def play(self, instruments: Sequence[Instrument], tally: Tally) -> Iterator[Moment]:
        """Yield the events of each received frame."""
        decoders: dict[Market, MarketDecoder] = {
            "spot": MarketDecoder("spot", can_fetch=False),
            "usdm": MarketDecoder("usdm", can_fetch=False),
        }
        books = {instrument.id: LevelBook() for instrument in instruments}
        for instrument in instruments:
            decoders["spot" if instrument.kind == "spot" else "usdm"].add(instrument)
        for recorded in read_frames(self._files):
            decoder = decoders[recorded.market]
            recv_us = recorded.recv_ns // 1000
            events: list[MarketEvent] = []
            if not decoder.take_hot(recorded.raw, recv_us, events):
                frame = parse_frame(recorded.raw)
                if isinstance(frame, SnapshotFrame):
                    decoder.on_snapshot(recorded.symbol, frame, recv_us, events)
                else:
                    decoder.take(frame, recv_us, events)
            tally.frames += 1
            tally.note(decoder)
            if events:
                yield Moment(recv_us, list(_with_books(events, books, decoder)))


def _with_books(
    events: list[MarketEvent], books: dict[InstrumentId, LevelBook], decoder: MarketDecoder
) -> Iterator[MarketEvent]:
    # Missing prints void the book for whoever listens, but its own updates are complete: it is given again at once.
    for event in events:
        yield event
        if isinstance(event, BookUpdate):
            books[event.instrument].apply(event)
        elif isinstance(event, BookGap):
            book = books[event.instrument]
            if book.is_valid and decoder.has_book(event.instrument):
                yield book.snapshot(event.instrument, event.ts, event.recv_ts)
            else:
                book.void()
