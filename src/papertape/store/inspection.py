"""Looks a data folder over without changing it, also beside a running desk: what is in it, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import msgspec

from papertape.errors import NotFound, PapertapeError
from papertape.model.session import SessionId
from papertape.model.tables import EVENT_TABLES, SAMPLES, SEGMENTS, SESSIONS, TABLES, TAPE, SegmentRow, Table
from papertape.store import inspection_sql as sql
from papertape.store.backup import damage_of, digest
from papertape.store.commit_count import check_count
from papertape.store.connections import open_reading
from papertape.store.faults import failure_of
from papertape.store.folder import FOLDER_VERSION, database_path, read_version
from papertape.store.history import open_history
from papertape.store.rows import decode_rows
from papertape.store.schema import Scalar
from papertape.store.verify import compare_tables

_TIMED = (SESSIONS, SAMPLES, *EVENT_TABLES)


class JournalInspection(msgspec.Struct, frozen=True, kw_only=True):
    """What a journal holds. Sizes in bytes; times: microseconds UTC, of facts by the exchange's clock.

    `entries` counts what is on the tape, sealed or not; `segments` and their bytes are those that are there, beside
    the ones that retention has `removed`. `differences` are sentences about what does not fit the declaration.
    """

    location: str
    folder_version: int | None
    size: int
    log_size: int
    free_bytes: int
    differences: tuple[str, ...]
    sessions: dict[str, int]
    rows: dict[str, int]
    entries: int
    segments: int
    segment_bytes: int
    segments_removed: int
    oldest_ts: int | None
    newest_ts: int | None


def inspect_journal(data_dir: Path) -> JournalInspection:
    """Return what the journal of the data folder `data_dir` holds.

    Raises:
        NotFound: there is none.
        Broken: it is damaged.
        Unavailable: it cannot be read.
    """
    database = _database(data_dir)
    try:
        with closing(open_reading(database)) as connection, connection:  # one moment of it
            found = _inspect(data_dir, database, connection)
    except apsw.Error as error:
        raise failure_of(str(database), error) from error
    return found


def find_faults(data_dir: Path, *, is_deep: bool = False) -> list[str]:
    """Return a sentence for each thing that is wrong with a data folder, none when all is well.

    Args:
        data_dir: The data folder; a desk may be running on it.
        is_deep: Also check every page of the journal, every batch of every tape and every sealed file; this takes as
            long as reading them.

    Raises:
        NotFound: there is no journal.
    """
    database = _database(data_dir)
    faults = [*_version_faults(data_dir), *_saying(_difference_faults(database)), *_saying(_lost_faults(database))]
    if is_deep:
        faults += _saying(_page_faults(database))
        faults += _saying(_tape_faults(data_dir, database))
    return list(dict.fromkeys(faults))


def _database(data_dir: Path) -> Path:
    database = database_path(data_dir)
    if not database.exists():
        raise NotFound(
            f"There is no journal in {data_dir}; give the data folder of a desk that has run.", code="store.missing"
        )
    return database


def _saying(faults: Iterator[str]) -> list[str]:
    said: list[str] = []
    try:
        said.extend(faults)
    except PapertapeError as error:
        said.append(error.message)
    return said


def _inspect(data_dir: Path, database: Path, connection: apsw.Connection) -> JournalInspection:
    live = {str(row[0]) for row in connection.execute(sql.TABLE_NAMES)}
    tables = [table for table in TABLES if table.name in live]
    segments = _segments(connection) if SEGMENTS.name in live else []
    there = [row for row in segments if row.removed_ts is None]
    edges = [_edge(connection, table, is_newest) for table in _TIMED if table in tables for is_newest in (False, True)]
    times = [edge for edge in edges if edge is not None]
    last_seqs = connection.execute(sql.LAST_SEQ_BY_SESSION) if {TAPE.name, SEGMENTS.name} <= live else ()
    file = data_dir / "version"
    return JournalInspection(
        location=str(database),
        folder_version=read_version(file) if file.exists() else None,
        size=database.stat().st_size,
        log_size=_size(Path(f"{database}-wal")),
        free_bytes=_number(connection, sql.FREE_PAGES) * _number(connection, sql.PAGE_SIZE),
        differences=tuple(_differences(connection)),
        sessions={str(state): int(str(number)) for state, number in _sessions(connection, live)},
        rows={table.name: _number(connection, sql.count_sql(table)) for table in tables},
        entries=sum(int(str(last)) for _, last in last_seqs),
        segments=len(there),
        segment_bytes=sum(row.size for row in there),
        segments_removed=len(segments) - len(there),
        oldest_ts=min(times, default=None),
        newest_ts=max(times, default=None),
    )


def _sessions(connection: apsw.Connection, live: set[str]) -> list[tuple[Scalar, ...]]:
    return connection.execute(sql.SESSIONS_BY_STATE).fetchall() if SESSIONS.name in live else []


def _segments(connection: apsw.Connection) -> list[SegmentRow]:
    return decode_rows(SEGMENTS, connection.execute(sql.ALL_SEGMENTS).fetchall())


def _edge(connection: apsw.Connection, table: Table, is_newest: bool) -> int | None:
    rows = connection.execute(sql.edge_sql(table, is_newest=is_newest)).fetchall()
    return int(str(rows[0][0])) if rows else None


def _number(connection: apsw.Connection, query: str) -> int:
    return int(str(connection.execute(query).fetchall()[0][0]))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _version_faults(data_dir: Path) -> list[str]:
    file = data_dir / "version"
    if not file.exists():
        return [f"{file} is missing; expected the number {FOLDER_VERSION}. The next start of a desk writes it."]
    try:
        version = read_version(file)
    except PapertapeError as error:
        return [error.message]
    if version == FOLDER_VERSION:
        return []
    then = "`papertape store migrate` upgrades it, after a copy" if version < FOLDER_VERSION else "install a newer one"
    return [f"The data folder {data_dir} has version {version}; this papertape writes {FOLDER_VERSION}: {then}."]


def _differences(connection: apsw.Connection) -> Iterator[str]:
    changes = compare_tables(connection, TABLES)
    for statement in changes.statements:
        yield f"The journal is not up to this version of papertape; `papertape store migrate` runs: {statement};"
    for problem in changes.problems:
        yield f"The journal does not fit this version of papertape, and what becomes of it is your decision. {problem}"


def _difference_faults(database: Path) -> Iterator[str]:
    try:
        with closing(open_reading(database)) as connection, connection:
            yield from _differences(connection)
    except apsw.Error as error:
        raise failure_of(str(database), error) from error


def _lost_faults(database: Path) -> Iterator[str]:
    try:
        check_count(database)
    except apsw.Error as error:
        raise failure_of(str(database), error) from error
    yield from ()  # what is wrong was raised


def _page_faults(database: Path) -> Iterator[str]:
    for said in damage_of(database):
        yield (
            f"The journal {database} is damaged: {said}. Keep the file, and restore a backup with "
            "`papertape store restore`."
        )


def _tape_faults(data_dir: Path, database: Path) -> Iterator[str]:
    with closing(open_history(database)) as history:
        unreadable: dict[SessionId, int] = {}  # up to which seq a tape need not be read: why not is said already
        for segment in history.segments.all():
            fault = _segment_fault(data_dir, segment)
            if fault is not None:
                yield fault
            if fault is not None or segment.removed_ts is not None:
                unreadable[segment.session_id] = max(segment.last_seq, unreadable.get(segment.session_id, 0))
        for session_id in _taped_sessions(database):
            try:
                for _ in history.batches(session_id, after_seq=unreadable.get(session_id, 0)):
                    pass  # reading is the check
            except PapertapeError as error:
                yield error.message


def _taped_sessions(database: Path) -> list[SessionId]:
    try:
        with closing(open_reading(database)) as connection:
            return [str(row[0]) for row in connection.execute(sql.LAST_SEQ_BY_SESSION)]
    except apsw.Error as error:
        raise failure_of(str(database), error) from error


def _segment_fault(data_dir: Path, segment: SegmentRow) -> str | None:
    file = data_dir / segment.file
    if segment.removed_ts is not None:
        return None
    what = f"The sealed file {file} (seq {segment.first_seq} to {segment.last_seq} of session {segment.session_id})"
    then = "Put it back from a backup; the rest of the session is not concerned."
    if not file.exists():
        return f"{what} is missing. {then}"
    if (size := file.stat().st_size) != segment.size:
        return f"{what} has {size} bytes, expected {segment.size}. {then}"
    if (found := digest(file)) != segment.sha256:
        return f"{what} was altered: its SHA-256 is {found}, expected {segment.sha256}. {then}"
    return None
