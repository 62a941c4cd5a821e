"""Makes one sealed file: read, write under another name, read back, compare, publish. Run in a process of its own.

The journal is only read here. A file that is not entered in the manifest is nothing: the next start removes it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

import msgspec

from papertape.errors import Broken
from papertape.model.tables import TAPE, SegmentRow, TapeRow
from papertape.store import sqlite_sql as sql
from papertape.store.readers import Readers
from papertape.store.rows import batch_of
from papertape.store.schema import CODECS, Scalar
from papertape.store.segments.catalogue import Segments
from papertape.store.segments.disk import FOLDER, SegmentDisk
from papertape.store.segments.format import PlacedBatch, read_batches, write_batches

_ROWS_AT_ONCE = 500
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
    disk = disk or SegmentDisk()
    folder = Path(task.database).parent
    if isinstance(task, MergeTask):
        readers = Readers(Path(task.database), size=1)
        try:
            segments = Segments(folder, readers)
            batches = [each for segment in task.segments for each in segments.placed_batches(segment)]
        finally:
            readers.close()
        sealed_ts, session_id = task.segments[-1].sealed_ts, task.segments[-1].session_id
    else:
        batches, sealed_ts, session_id = _read_tape(task), task.sealed_ts, task.session_id
    if not batches:
        return None
    span = f"{batches[0].batch.first_seq:012d}-{batches[-1].batch.last_seq:012d}"
    file = f"{FOLDER}/{quote(session_id, safe='')}.{span}.{task.token}.parquet"
    content = _write(folder / file, batches, disk)
    return _row(session_id, batches, file, content, sealed_ts)


def _read_tape(task: SealTask) -> list[PlacedBatch]:
    readers = Readers(Path(task.database), size=1)
    batches: list[PlacedBatch] = []
    entries = size = 0
    is_full = False
    try:
        for place, row in _tape_rows(readers, task):
            count = row.last_seq - row.first_seq + 1
            if row.last_seq > task.until_seq or count == 0:
                break
            is_hole = bool(batches) and row.first_seq != batches[-1].batch.last_seq + 1
            is_full = is_hole or (bool(batches) and (entries + count > task.most_entries or size > _LARGEST_CONTENT))
            if is_full:
                break
            batches.append(PlacedBatch(batch_of(row), place))
            entries += count
            size += len(row.payload)
    finally:
        readers.close()
    return batches if is_full or not task.is_whole else []


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


def _write(path: Path, batches: Sequence[PlacedBatch], disk: SegmentDisk) -> bytes:
    content = write_batches(batches)
    path.parent.mkdir(exist_ok=True)
    draft = disk.write_draft(path, content)
    try:
        _compare(draft, batches)
        disk.publish(draft, path)
    except BaseException:
        disk.remove(draft)
        raise
    disk.sync(path.parent)
    return content


def _compare(draft: Path, batches: Sequence[PlacedBatch]) -> None:
    count = 0
    for written, read in zip(batches, read_batches(draft.read_bytes(), draft.name), strict=False):
        # Their encoded forms, because a number that is not equal to itself is still the same number.
        if _encode(written) != _encode(read):
            raise _differs(draft, f"the batch at seq {written.batch.first_seq} differs")
        count += 1
    if count != len(batches):
        raise _differs(draft, f"it has {count} batches of {len(batches)}")


def _differs(draft: Path, why: str) -> Broken:
    return Broken(
        f"The sealed file {draft.name} was not read back as it was written ({why}); it was removed and the journal "
        "keeps these batches. Check the disk; report this when it happens again.",
        code="store.segment_differs",
    )


def _row(session_id: str, batches: Sequence[PlacedBatch], file: str, content: bytes, sealed_ts: int) -> SegmentRow:
    first, last = batches[0], batches[-1]
    return SegmentRow(
        session_id=session_id,
        first_seq=first.batch.first_seq,
        last_seq=last.batch.last_seq,
        first_row=first.place or 0,
        last_row=last.place or 0,
        first_ts=first.batch.entries[0].ts,
        last_ts=last.batch.entries[-1].ts,
        file=file,
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        sealed_ts=sealed_ts,
    )
