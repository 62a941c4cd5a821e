"""Makes one sealed file: read, write under another name, read back, compare, publish. Run in a process of its own.

The journal is only read here. A file that is not entered in the manifest is nothing: the next start removes it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import msgspec
import polars as pl

from papertape.errors import Broken
from papertape.model.tables import TAPE, SegmentRow, TapeRow
from papertape.store import sqlite_sql as sql
from papertape.store.readers import Readers
from papertape.store.rows import batch_of
from papertape.store.schema import CODECS, Scalar
from papertape.store.segments.catalogue import Segments
from papertape.store.segments.disk import FOLDER, SegmentDisk
from papertape.store.segments.format import PlacedBatch, frame_of, read_batches, write_frame

_ROWS_AT_ONCE = 500
_ENTRIES_AT_ONCE = 16_384
_LARGEST_CONTENT = 64_000_000

_encode = msgspec.msgpack.Encoder().encode


class SealTask(msgspec.Struct, frozen=True, kw_only=True, tag="seal"):
    """Put a session's next batches, those after `after_seq`, into a file.

    `until_seq` and `until_place` are the last that may go. The file ends before `most_entries` are exceeded, and where
    the tape has a hole; one batch goes whatever its size. Where `is_whole`, a file that could take more is not made.
    `token` makes the file's name one of its own.
    """

    database: str
    session_id: str
    after_seq: int
    until_seq: int
    until_place: int
    most_entries: int
    is_whole: bool
    token: str
    sealed_ts: int


class MergeTask(msgspec.Struct, frozen=True, kw_only=True, tag="merge"):
    """Put neighbouring files of one session into one."""

    database: str
    segments: tuple[SegmentRow, ...]
    token: str


Task = SealTask | MergeTask


def carry_out(task: Task, disk: SegmentDisk | None = None) -> SegmentRow | None:
    """Make the file and return its row for the manifest; None when there is nothing to put into it.

    Raises:
        Broken: a batch cannot be read, a file to merge is damaged, or what was written was not read back equal.
        Unavailable: the journal cannot be read now.
        OSError: the disk takes no file.
    """
    database = Path(task.database)
    readers = Readers(database, size=1)
    try:
        if isinstance(task, MergeTask):
            contents: _Contents | None = _merged(task, Segments(database.parent, readers))
        else:
            contents = _of_tape(task, readers)
    finally:
        readers.close()
    return None if contents is None else _write(contents, database.parent, task.token, disk or SegmentDisk())


class _Contents:
    """Batches on their way into a file: as columns, with a digest of what they were, so that few are held at once."""

    def __init__(self, session_id: str, sealed_ts: int) -> None:
        self.session_id = session_id
        self.sealed_ts = sealed_ts
        self.digest = hashlib.sha256()
        self.first: PlacedBatch | None = None
        self.last: PlacedBatch | None = None
        self.entries = 0
        self._frames: list[pl.DataFrame] = []
        self._waiting: list[PlacedBatch] = []
        self._waiting_entries = 0

    def add(self, placed: PlacedBatch) -> None:
        self.digest.update(_encode(placed))
        self.first = self.first or placed
        self.last = placed
        self._waiting.append(placed)
        self.entries += len(placed.batch.entries)
        self._waiting_entries += len(placed.batch.entries)
        if self._waiting_entries >= _ENTRIES_AT_ONCE:
            self._flush()

    def frame(self) -> pl.DataFrame:
        if self._waiting:
            self._flush()
        return pl.concat(self._frames)

    def _flush(self) -> None:
        self._frames.append(frame_of(self._waiting))
        self._waiting, self._waiting_entries = [], 0


def _merged(task: MergeTask, segments: Segments) -> _Contents:
    newest = task.segments[-1]
    contents = _Contents(newest.session_id, newest.sealed_ts)
    for segment in task.segments:
        for placed in segments.placed_batches(segment):
            contents.add(placed)
    return contents


def _of_tape(task: SealTask, readers: Readers) -> _Contents | None:
    contents = _Contents(task.session_id, task.sealed_ts)
    size = 0
    is_full = False
    for place, row in _tape_rows(readers, task):
        count = row.last_seq - row.first_seq + 1
        if row.last_seq > task.until_seq or count == 0:
            break
        if contents.last is not None:
            is_hole = row.first_seq != contents.last.batch.last_seq + 1
            is_full = is_hole or contents.entries + count > task.most_entries or size > _LARGEST_CONTENT
        if is_full:
            break
        contents.add(PlacedBatch(batch_of(row), place))
        size += len(row.payload)
    return contents if contents.entries and (is_full or not task.is_whole) else None


def _tape_rows(readers: Readers, task: SealTask) -> Iterator[tuple[int, TapeRow]]:
    decode = CODECS[TAPE.name].decode
    after = task.after_seq
    while True:
        bindings: dict[str, Scalar] = {"session_id": task.session_id, "after": after, "until": task.until_place}
        rows = readers.rows(sql.SEALABLE, bindings | {"limit": _ROWS_AT_ONCE})
        for place, *values in rows:
            row: TapeRow = decode(values)
            after = row.first_seq
            yield int(place or 0), row
        if len(rows) < _ROWS_AT_ONCE:
            return


def _write(contents: _Contents, folder: Path, token: str, disk: SegmentDisk) -> SegmentRow:
    content = write_frame(contents.frame())
    row = _row(contents, content, token)
    path = folder / row.file
    path.parent.mkdir(exist_ok=True)
    draft = disk.write_draft(path, content)
    try:
        _compare(draft, contents)
        disk.publish(draft, path)
    except BaseException:
        disk.remove(draft)
        raise
    disk.sync(path.parent)
    return row


def _compare(draft: Path, contents: _Contents) -> None:
    # By their encoded forms: a number that is not equal to itself is still the same number.
    read = hashlib.sha256()
    for placed in read_batches(draft.read_bytes(), draft.name):
        read.update(_encode(placed))
    if read.digest() != contents.digest.digest():
        raise Broken(
            f"The sealed file {draft.name} was not read back as it was written; it was removed and the journal keeps "
            "its batches. Check the disk; report this when it happens again.",
            code="store.segment_differs",
        )


def _row(contents: _Contents, content: bytes, token: str) -> SegmentRow:
    first, last = contents.first, contents.last
    if first is None or last is None:
        raise Broken("A sealed file needs a batch.", code="store.empty_batch")
    span = f"{first.batch.first_seq:012d}-{last.batch.last_seq:012d}"
    return SegmentRow(
        session_id=contents.session_id,
        first_seq=first.batch.first_seq,
        last_seq=last.batch.last_seq,
        first_row=first.place or 0,
        last_row=last.place or 0,
        first_ts=first.batch.entries[0].ts,
        last_ts=last.batch.entries[-1].ts,
        file=f"{FOLDER}/{quote(contents.session_id, safe='')}.{span}.{token}.parquet",
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        sealed_ts=contents.sealed_ts,
    )
