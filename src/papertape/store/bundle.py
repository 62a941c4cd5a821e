"""One session as one file that another machine can replay to the same result.

A bundle is a ZIP file: `manifest.json` and one zstd-compressed member for each kind of record, each record a msgpack
map behind its length (four bytes, little-endian). The manifest stands last in the file, so a file without it was cut.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import msgspec
import zstandard

from papertape import __version__
from papertape.journal.ports import History
from papertape.model.session import SessionRow
from papertape.model.tables import EVENT_TABLES, SAMPLES, SESSIONS, TAPE, VIEWS, Table, TapeRow
from papertape.store.history import SqliteHistory
from papertape.store.rows import tape_row
from papertape.store.sheet import new_file

BUNDLE_FORMAT = 1
"""What this papertape writes."""

MANIFEST = "manifest.json"
MEMBER_TABLES: tuple[Table, ...] = (SESSIONS, TAPE, *EVENT_TABLES, SAMPLES, VIEWS)
"""What a bundle holds, a member for each, in this order."""

LENGTH_BYTES = 4
_COUNT_EVERY = 1_000
# The same date in every bundle: the same session gives the same bytes.
_NO_DATE = (1980, 1, 1, 0, 0, 0)


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One member. `size` in bytes and `sha256` are those of the member as it stands in the file."""

    name: str
    table: str
    records: int
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a bundle says of itself. `last_entry_seq` is the newest entry in it: a session may have run on."""

    format: int
    papertape: str
    session_id: str
    mode: str
    feed: str
    state: str
    strategies: tuple[str, ...]
    instruments: tuple[str, ...]
    created_ts: int
    last_entry_seq: int
    members: tuple[Member, ...]


class Bundled(msgspec.Struct, frozen=True, kw_only=True):
    """What was written to, or read from, a bundle. `size` in bytes."""

    session_id: str
    file: str
    size: int
    entries: int
    facts: int
    is_new: bool = True


def member_name(table: Table) -> str:
    """Return the name of a table's member."""
    return f"{table.name}.msgpack.zst"


def export_bundle(
    history: SqliteHistory,
    row: SessionRow,
    path: Path,
    *,
    is_forced: bool = False,
    on_entries: Callable[[int], None] = lambda _: None,
) -> Bundled:
    """Write a session to a bundle; one that runs as of its newest durable commit.

    Raises:
        Conflict: the file exists and `is_forced` is not set.
        NotFound: its folder does not exist.
        Unavailable: the file cannot be written or the store not be read.
        Broken: the tape has a hole.
    """
    records = SessionRecords(history, row, on_entries)
    members: list[Member] = []
    with new_file(path, is_forced=is_forced) as draft, zipfile.ZipFile(draft, "w") as archive:
        for table in MEMBER_TABLES:
            with archive.open(_entry(member_name(table)), "w", force_zip64=True) as file:
                members.append(_write_member(table, records.of(table), file))
        manifest = _manifest(row, records.last_entry_seq, members)
        archive.writestr(_entry(MANIFEST), msgspec.json.format(msgspec.json.encode(manifest)))
    facts = sum(member.records for member in members if member.table in {table.name for table in EVENT_TABLES})
    return Bundled(
        session_id=row.session_id, file=str(path), size=path.stat().st_size, entries=records.last_entry_seq,
        facts=facts,
    )  # fmt: skip


class SessionRecords:
    """Every record of a session up to one commit: of the entries up to the newest one, and of the facts they caused.

    The session's row is taken first, so that it is never ahead of its tape.
    """

    def __init__(
        self,
        history: SqliteHistory,
        row: SessionRow,
        on_entries: Callable[[int], None] = lambda _: None,
        *,
        last_entry_seq: int | None = None,
    ) -> None:
        self._history = history
        self._row = row
        self._on_entries = on_entries
        self.last_entry_seq = history.last_entry_seq(row.session_id) if last_entry_seq is None else last_entry_seq

    def of(self, table: Table) -> Iterator[Any]:  # Any: the table's record type
        """Yield the records of one member in the order of its key."""
        session_id, last = self._row.session_id, self.last_entry_seq
        if table is TAPE:
            yield from self._tape()
        elif table is VIEWS:
            views = self._history.views_row(session_id)
            yield from [] if views is None else [views]
        elif table is SESSIONS:
            yield from (row for row in self._history.records(table, session_id) if row.revision <= self._row.revision)
        else:
            yield from (record for record in self._history.records(table, session_id) if record.entry_seq <= last)

    def _tape(self) -> Iterator[TapeRow]:
        told = 0
        for batch in _batches(self._history, self._row.session_id, self.last_entry_seq):
            if batch.first_seq - told >= _COUNT_EVERY:
                told = batch.first_seq
                self._on_entries(told)
            yield tape_row(self._row.session_id, batch)


def _batches(history: History, session_id: str, last_entry_seq: int) -> Iterator[Any]:
    for batch in history.batches(session_id):
        if batch.first_seq > last_entry_seq:
            return
        yield batch


def _entry(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, _NO_DATE)


class _Hashing:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self.sha256.update(data)
        self.size += len(data)
        return self._file.write(data)


def _write_member(table: Table, records: Iterable[Any], file: IO[bytes]) -> Member:
    sink = _Hashing(file)
    encode = msgspec.msgpack.Encoder().encode
    count = 0
    with zstandard.ZstdCompressor(level=6).stream_writer(sink, closefd=False) as packed:  # type: ignore[arg-type]  # only `write` is used
        for record in records:
            encoded = encode(record)
            packed.write(len(encoded).to_bytes(LENGTH_BYTES, "little") + encoded)
            count += 1
    return Member(
        name=member_name(table), table=table.name, records=count, size=sink.size, sha256=sink.sha256.hexdigest()
    )


def _manifest(row: SessionRow, last_entry_seq: int, members: list[Member]) -> Manifest:
    return Manifest(
        format=BUNDLE_FORMAT,
        papertape=__version__,
        session_id=row.session_id,
        mode=row.plan.mode,
        feed=row.feed,
        state=row.state,
        strategies=tuple(version.name for version in row.plan.strategies),
        instruments=tuple(instrument.id for instrument in row.plan.instruments),
        created_ts=row.created_ts,
        last_entry_seq=last_entry_seq,
        members=tuple(members),
    )
