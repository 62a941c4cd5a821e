"""What a copy elsewhere has yet to acknowledge of the journal: the queue is the journal itself.

Each journal table is read in the order of commits; a row's number in that order is its place. Rows above the
acknowledged place, the watermark, wait. Nothing is held in memory but one page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice, takewhile

import msgspec

from papertape.journal.ports import History
from papertape.model.entries import Batch, Quote, Trade
from papertape.model.instrument import Instrument, InstrumentId
from papertape.model.session import SessionId
from papertape.model.tables import (
    BARS,
    INDICATOR_VALUES,
    QUOTES,
    SAMPLES,
    SEGMENTS,
    TAPE,
    TRADES,
    WATERMARKS,
    SegmentRow,
    Table,
    WatermarkRow,
)
from papertape.store import sqlite_sql as sql
from papertape.store.market_rows import market_rows, sample_rows
from papertape.store.readers import Readers
from papertape.store.rows import Row, batch_of, decode_rows, samples_of
from papertape.store.schema import CODECS, Scalar

SOURCES: dict[str, tuple[Table, ...]] = {
    table.name: {TAPE.name: (TRADES, QUOTES), SAMPLES.name: (BARS, INDICATOR_VALUES)}.get(table.name, (table,))
    for table in sql.OUTBOX_TABLES
}
"""The journal's tables that are copied, each with the tables its rows go to."""

_NO_END = 2**63 - 1
_SEGMENT_BATCHES = 64


def sources_of(tables: Sequence[str]) -> tuple[str, ...]:
    """Return the journal's tables that feed any of these tables of a copy."""
    return tuple(source for source, fed in SOURCES.items() if any(table.name in tables for table in fed))


class Position(msgspec.Struct, frozen=True):
    """How far one source was sent: every row up to `place`, and `offset` batches of the sealed file `file`."""

    place: int = 0
    offset: int = 0
    file: str = ""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Rows to send next. `end` is the position once all are acknowledged; each flush goes to one table.

    `is_full`: there may be more behind it. `journal_rows` counts the journal's rows it stands for.
    """

    source: str
    start: Position
    end: Position
    flushes: tuple[tuple[Table, list[Row]], ...]
    journal_rows: int
    is_full: bool

    @property
    def rows(self) -> int:
        """How many rows it sends."""
        return sum(len(rows) for _, rows in self.flushes)


class PageLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of one page: rows of the journal, and their bytes (one row more than that at most)."""

    rows: int = 2_000
    size: int = 1_000_000


class Outbox:
    """Reads what waits for one copy and keeps its watermarks. One thread uses it.

    Args:
        mirror: The copy's address without its password.
        readers: Read the journal.
        history: Tells a session's instruments and reads batches that were sealed.
        write: Makes watermarks durable and returns then.
    """

    def __init__(
        self,
        mirror: str,
        readers: Readers,
        history: History,
        write: Callable[[Sequence[WatermarkRow]], None],
    ) -> None:
        self.mirror = mirror
        self._readers = readers
        self._history = history
        self._write = write
        self._instruments: dict[SessionId, dict[InstrumentId, Instrument]] = {}
        self._opened: tuple[SegmentRow, int, Iterator[Batch]] | None = None

    def newest_places(self) -> dict[str, int]:
        """Return the place of the newest durable row of each source, 0 where there is none."""
        (row,) = self._readers.rows(sql.NEWEST_PLACES, {"limit": 1})
        return {name: int(place or 0) for name, place in zip(SOURCES, row, strict=True)}

    def watermarks(self) -> dict[str, WatermarkRow]:
        """Return the watermark of each source that has one."""
        rows = self._readers.rows(sql.MIRROR_WATERMARKS, {"key": self.mirror, "limit": len(SOURCES)})
        marks: list[WatermarkRow] = decode_rows(WATERMARKS, rows)
        return {mark.source: mark for mark in marks}

    def acknowledge(self, marks: Sequence[WatermarkRow]) -> None:
        """Make watermarks durable together; returns once they are."""
        self._write(marks)

    def page(self, source: str, start: Position, limits: PageLimits) -> Page:
        """Return the rows of a source that follow `start`, empty when none wait.

        Raises:
            Unavailable: the journal cannot be read now.
            Broken: a row of it cannot be read, or be turned into rows of the copy.
        """
        if source != TAPE.name:
            return self._tail(source, start, _NO_END, limits)
        while True:
            segment = self._segment_above(start.place)
            tail = self._tail(source, start, _NO_END if segment is None else segment.last_row, limits)
            if self._segment_above(start.place) == segment:
                break  # otherwise rows were sealed between the two looks, and in neither of them
        if segment is None:
            return tail
        if tail.journal_rows:
            return msgspec.structs.replace(tail, is_full=True)
        return self._sealed_page(segment, start, limits)

    def _segment_above(self, place: int) -> SegmentRow | None:
        rows = self._readers.rows(sql.SEGMENTS_ABOVE, {"after": place, "limit": 1})
        segments: list[SegmentRow] = decode_rows(SEGMENTS, rows)
        return segments[0] if segments else None

    def _tail(self, source: str, start: Position, until: int, limits: PageLimits) -> Page:
        bindings: dict[str, Scalar] = {"after": start.place, "until": until, "limit": limits.rows}
        found = self._readers.page(sql.ROWS_ABOVE[source], bindings, limits.size)
        rows = [row[1:] for row in found.rows]
        end = Position(int(found.rows[-1][0] or 0)) if rows else start
        return Page(
            source=source,
            start=start,
            end=end,
            flushes=self._flushes(source, rows),
            journal_rows=len(rows),
            is_full=found.is_cut or len(rows) == limits.rows,
        )

    def _flushes(self, source: str, rows: list[Row]) -> tuple[tuple[Table, list[Row]], ...]:
        if source == TAPE.name:
            tape = decode_rows(TAPE, rows)
            return self._market_flushes((row.session_id, batch_of(row)) for row in tape)
        if source == SAMPLES.name:
            return _sample_flushes(rows)
        (table,) = SOURCES[source]
        return ((table, rows),) if rows else ()

    def _market_flushes(self, batches: Iterator[tuple[SessionId, Batch]]) -> tuple[tuple[Table, list[Row]], ...]:
        encode_trade, encode_quote = CODECS[TRADES.name].encode, CODECS[QUOTES.name].encode
        trades: list[Row] = []
        quotes: list[Row] = []
        for session_id, batch in batches:
            new_trades, new_quotes = market_rows(session_id, batch, self._instruments_of(session_id, batch))
            trades.extend(encode_trade(session_id, each) for each in new_trades)
            quotes.extend(encode_quote(session_id, each) for each in new_quotes)
        return tuple((table, each) for table, each in ((TRADES, trades), (QUOTES, quotes)) if each)

    def _instruments_of(self, session_id: SessionId, batch: Batch) -> Mapping[InstrumentId, Instrument]:
        known = self._instruments.get(session_id, {})
        if any(isinstance(entry, Trade | Quote) and entry.instrument not in known for entry in batch.entries):
            row = self._history.session(session_id)
            known = {} if row is None else {each.id: each for each in row.plan.instruments}
            self._instruments[session_id] = known
        return known

    def _sealed_page(self, segment: SegmentRow, start: Position, limits: PageLimits) -> Page:
        # Merging and sealing may put another file first: what was taken of this one says nothing about that one.
        before = start.offset if start.file == segment.file else 0
        batches = self._batches_from(segment, before)
        taken = list(islice(batches, min(limits.rows, _SEGMENT_BATCHES)))
        offset = before + len(taken)
        self._opened = (segment, offset, batches)
        end = Position(start.place, offset, segment.file) if taken else Position(segment.last_row)
        return Page(
            source=TAPE.name,
            start=start,
            end=end,
            flushes=self._market_flushes((segment.session_id, batch) for batch in taken),
            journal_rows=len(taken),
            is_full=True,
        )

    def _batches_from(self, segment: SegmentRow, offset: int) -> Iterator[Batch]:
        if self._opened is not None and self._opened[:2] == (segment, offset):
            return self._opened[2]
        after_seq = segment.first_seq - 1
        batches = self._history.batches(segment.session_id, after_seq=after_seq)
        return islice(takewhile(lambda batch: batch.last_seq <= segment.last_seq, batches), offset, None)


def _sample_flushes(rows: list[Row]) -> tuple[tuple[Table, list[Row]], ...]:
    encode_bar, encode_value = CODECS[BARS.name].encode, CODECS[INDICATOR_VALUES.name].encode
    bars: list[Row] = []
    values: list[Row] = []
    for row in decode_rows(SAMPLES, rows):
        new_bars, new_values = sample_rows(row.session_id, samples_of(row))
        bars.extend(encode_bar(row.session_id, each) for each in new_bars)
        values.extend(encode_value(row.session_id, each) for each in new_values)
    return tuple((table, each) for table, each in ((BARS, bars), (INDICATOR_VALUES, values)) if each)
