"""The sealed files of a data folder as the manifest lists them, read with a check that nothing happened to them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from papertape.errors import Broken, NotFound
from papertape.model.entries import Batch
from papertape.model.session import SessionId
from papertape.model.tables import SEGMENTS, SegmentRow
from papertape.store import sqlite_sql as sql
from papertape.store.readers import Readers
from papertape.store.rows import decode_rows
from papertape.store.schema import Scalar
from papertape.store.segments.format import PlacedBatch, batches_of, read_frame

_ALL = 2**63 - 1


class Segments:
    """Reads the manifest and the files it names; from any thread.

    A file may be merged into a larger one while it is read: its batches are then found there.

    Args:
        folder: The data folder; the manifest's files are relative to it.
        readers: Read the journal's database.
    """

    def __init__(self, folder: Path, readers: Readers) -> None:
        self._folder = folder
        self._readers = readers

    def of_session(self, session_id: SessionId) -> list[SegmentRow]:
        """Return a session's segments in the order of seq, with those that retention has removed."""
        return self._rows(sql.SEGMENTS_AFTER, {"session_id": session_id, "after": 0, "limit": _ALL})

    def all(self) -> list[SegmentRow]:
        """Return every segment in the order of places, with those that retention has removed."""
        return self._rows(sql.ALL_SEGMENTS, {"limit": _ALL})

    def after(self, session_id: SessionId, seq: int) -> SegmentRow | None:
        """Return the session's first segment that reaches beyond `seq`."""
        return self._row(sql.SEGMENTS_AFTER, session_id, seq)

    def before(self, session_id: SessionId, seq: int) -> SegmentRow | None:
        """Return the session's last segment that starts at or before `seq`."""
        return self._row(sql.SEGMENT_BEFORE, session_id, seq)

    def path(self, segment: SegmentRow) -> Path:
        """Return where the file of a segment is."""
        return self._folder / segment.file

    def batches(self, segment: SegmentRow, *, after_seq: int = 0) -> Iterator[Batch]:
        """Yield the batches of a segment whose first seq is above `after_seq`.

        Raises:
            NotFound: retention has removed the file.
            Broken: the file is missing or damaged.
        """
        return (batch for batch, _ in self.placed_batches(segment, after_seq=after_seq))

    def placed_batches(self, segment: SegmentRow, *, after_seq: int = 0) -> Iterator[PlacedBatch]:
        """Yield batches as `batches` does, each with its place in the order of commits."""
        return batches_of(self._frame(segment), segment.file, after_seq=after_seq)

    def rows(
        self,
        segment: SegmentRow,
        *,
        kinds: Collection[str] = (),
        columns: Collection[str] = (),
        after_seq: int = 0,
        until_seq: int | None = None,
        since_ts: int | None = None,
        until_ts: int | None = None,
    ) -> pl.DataFrame:
        """Return a segment's rows as columns, see `select_rows`; raises as `batches` does."""
        return select_rows(
            self._frame(segment),
            kinds=kinds,
            columns=columns,
            after_seq=after_seq,
            until_seq=until_seq,
            since_ts=since_ts,
            until_ts=until_ts,
        )

    def _frame(self, segment: SegmentRow) -> pl.DataFrame:
        try:
            return read_frame(self._content(segment), segment.file)
        except FileNotFoundError as error:
            current = self.after(segment.session_id, segment.first_seq - 1)
            if current is None or current.file == segment.file:
                raise _missing(segment) from error
        # It was merged with its neighbours after the manifest was read.
        whole = self._frame(current)
        return whole.filter(pl.col("batch").is_between(segment.first_seq, segment.last_seq))

    def _content(self, segment: SegmentRow) -> bytes:
        if segment.removed_ts is not None:
            raise removed(segment)
        try:
            content = self.path(segment).read_bytes()
        except FileNotFoundError:
            current = self._row(sql.SEGMENTS_AFTER, segment.session_id, segment.first_seq - 1)
            if current is not None and current.file == segment.file and current.removed_ts is not None:
                raise removed(current) from None
            raise
        if len(content) != segment.size:
            raise _damaged(segment, f"it has {len(content)} bytes, expected {segment.size}")
        found = hashlib.sha256(content).hexdigest()
        if found != segment.sha256:
            raise _damaged(segment, f"its SHA-256 is {found}, expected {segment.sha256}")
        return content

    def _row(self, query: str, session_id: SessionId, seq: int) -> SegmentRow | None:
        rows = self._rows(query, {"session_id": session_id, "after": seq, "limit": 1})
        return rows[0] if rows else None

    def _rows(self, query: str, bindings: dict[str, Scalar]) -> list[SegmentRow]:
        return decode_rows(SEGMENTS, self._readers.rows(query, bindings))


def select_rows(
    frame: pl.DataFrame,
    *,
    kinds: Collection[str] = (),
    columns: Collection[str] = (),
    after_seq: int = 0,
    until_seq: int | None = None,
    since_ts: int | None = None,
    until_ts: int | None = None,
) -> pl.DataFrame:
    """Return some rows and columns of a frame of entries, of a file or of the tail (`format.frame_of`).

    Args:
        frame: Rows as in `format.SCHEMA`.
        kinds: Tags of entries such as `trade` and `quote`; all when empty.
        columns: Names of `format.SCHEMA`; all when empty.
        after_seq: Only rows above it.
        until_seq: Only rows up to it.
        since_ts: Only rows at or after this time, microseconds UTC.
        until_ts: Only rows before this time, microseconds UTC.
    """
    conditions = [pl.col("seq") > after_seq]
    if kinds:
        conditions.append(pl.col("kind").is_in(list(kinds)))
    if until_seq is not None:
        conditions.append(pl.col("seq") <= until_seq)
    if since_ts is not None:
        conditions.append(pl.col("ts") >= since_ts)
    if until_ts is not None:
        conditions.append(pl.col("ts") < until_ts)
    found = frame.lazy().filter(*conditions)
    return (found.select(list(columns)) if columns else found).collect()


def removed(segment: SegmentRow) -> NotFound:
    """Return the refusal to read what retention has removed."""
    day = datetime.fromtimestamp((segment.removed_ts or 0) / 1_000_000, UTC)
    return NotFound(
        f"The market data of session {segment.session_id} was removed on {day:%Y-%m-%d} by retention, as the settings "
        "ask for. Its facts are kept: signals, orders, fills, positions and the account can still be read; it cannot "
        "be replayed or exported with its tape.",
        code="store.segment_removed",
    )


def _missing(segment: SegmentRow) -> Broken:
    return Broken(
        f"The sealed tape {segment.file} with entries {segment.first_seq} to {segment.last_seq} of session "
        f"{segment.session_id} is missing from the data folder; the session cannot be resumed or replayed without it. "
        "Put the file back from a copy; everything else can be read.",
        code="store.segment_missing",
    )


def _damaged(segment: SegmentRow, why: str) -> Broken:
    return Broken(
        f"The sealed tape {segment.file} with entries {segment.first_seq} to {segment.last_seq} of session "
        f"{segment.session_id} is damaged: {why}. The session cannot be resumed or replayed past it; put the file back "
        "from a copy. Everything else can be read, and nothing was changed.",
        code="store.segment_damaged",
    )
