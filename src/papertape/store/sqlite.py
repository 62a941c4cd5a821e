"""The embedded store: SQLite behind the journal's ports, with one thread that writes and read-only readers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import apsw

from papertape.errors import Broken, PapertapeError, Unavailable
from papertape.journal.ports import Commit, Filter, StoreStatus
from papertape.model.entries import Batch
from papertape.model.session import SessionId, SessionRow
from papertape.model.tables import EVENT_TABLES, SESSIONS, TAPE, VIEWS, Table, TapeRow, ViewsRow
from papertape.store import sqlite_sql as sql
from papertape.store.faults import read_failure
from papertape.store.folder import DataFolder
from papertape.store.readers import Readers
from papertape.store.rows import decode_rows, filter_value, read_batches, rows_of, size_of
from papertape.store.schema import CODECS, Scalar
from papertape.store.verify import verify_tables
from papertape.store.writer import Job, OnDurable, Writer, WriterLimits

_LARGEST_SEQ = 2**63 - 1
_BATCH_PAGE = 64
_ANSWER_WITHIN_S = 10.0
_BUSY_MS = 1_000


class SqliteStore:
    """Implements `Appender` and `History` on one SQLite database."""

    def __init__(self, path: Path, writer: Writer, readers: Readers, clock: Callable[[], int]) -> None:
        self._path = path
        self._writer = writer
        self._readers = readers
        self._clock = clock

    def submit(self, commit: Commit, on_durable: OnDurable) -> None:
        """Queue a commit; see `Appender.submit`. `on_durable` must not raise."""
        rows = rows_of(commit)
        statements = tuple((sql.INSERTS[table.name], row) for table, row in rows)
        self._writer.submit(
            Job(
                session_id=commit.session_id,
                statements=statements,
                size=size_of(rows),
                submitted_ts=self._clock(),
                done=on_durable,
            )
        )

    def probe(self) -> None:
        """Write one row, read it back, remove it; see `Appender.probe`. Blocks for two commits."""
        now = self._clock()
        row = ViewsRow(session_id=f"probe_{now}", saved_ts=now, payload=b"probe")
        try:
            self.save_views(row.session_id, row.saved_ts, row.payload)
            found = self._views_row(row.session_id)
            self._write(row.session_id, sql.DELETE_VIEWS, (row.session_id,))
        except Broken as error:
            raise Unavailable(f"The store took no probe row. {error.message}", code="store.probe_failed") from error
        if found != row:
            raise Unavailable(
                f"The store {self._path} did not return the row that was just written to it; expected {row}, found "
                f"{found}. Check the disk and restart papertape.",
                code="store.probe_failed",
            )

    def status(self) -> StoreStatus:
        """Return how the store is doing now; `rows_total` counts the rows made durable since it was opened."""
        state = self._writer.state()
        return StoreStatus(
            driver="sqlite",
            location=str(self._path),
            is_healthy=state.is_healthy,
            last_error=state.last_error,
            last_durable_ts=state.last_durable_ts,
            rows_total=state.rows_total,
            queue_length=state.queue_length,
            lag_ms=state.lag_us / 1000,
            detail=f"SQLite {apsw.sqlite_lib_version()}, WAL, synchronous=FULL, {state.retries} retries",
        )

    def events(
        self,
        table: Table,
        session_id: SessionId,
        *,
        after: int = 0,
        until: int | None = None,
        limit: int = 1000,
        filters: Sequence[Filter] = (),
        newest_first: bool = False,
    ) -> list[Any]:
        """Return records of one event table; see `History.events`."""
        bindings: dict[str, Scalar] = {
            "session_id": session_id,
            "after": after,
            "until": _LARGEST_SEQ if until is None else until,
            "limit": max(0, limit),
        }
        for index, each in enumerate(filters):
            bindings[f"f{index}"] = filter_value(table, each.column, each.value)
        query = sql.events_sql(table, [each.column for each in filters], is_newest_first=newest_first)
        return decode_rows(table, self._readers.rows(query, bindings))

    def batches(self, session_id: SessionId, *, after_seq: int = 0) -> Iterator[Batch]:
        """Yield the journalled batches; see `History.batches`."""
        before = self._number(sql.ENTRY_BEFORE, {"session_id": session_id, "after": after_seq})

        def page(after: int) -> Sequence[TapeRow]:
            bindings: dict[str, Scalar] = {"session_id": session_id, "after": after, "limit": _BATCH_PAGE}
            return decode_rows(TAPE, self._readers.rows(sql.BATCHES, bindings))

        return read_batches(session_id, after_seq, before, page)

    def last_event_seq(self, session_id: SessionId) -> int:
        """Return the highest durable fact seq; see `History.last_event_seq`."""
        return max(self._number(sql.LAST_EVENT[table.name], {"session_id": session_id}) for table in EVENT_TABLES)

    def last_entry_seq(self, session_id: SessionId) -> int:
        """Return the highest durable entry seq; see `History.last_entry_seq`."""
        return self._number(sql.LAST_ENTRY, {"session_id": session_id})

    def session(self, session_id: SessionId) -> SessionRow | None:
        """Return the newest revision of a session's row; see `History.session`."""
        return self._session(sql.SESSION, {"session_id": session_id})

    def sessions(self, *, limit: int = 200) -> list[SessionRow]:
        """Return the newest revision of every session; see `History.sessions`."""
        return decode_rows(SESSIONS, self._readers.rows(sql.SESSION_LIST, {"limit": max(0, limit)}))

    def session_by_idempotency_key(self, key: str) -> SessionRow | None:
        """Return the session started with this key; see `History.session_by_idempotency_key`."""
        return self._session(sql.SESSION_BY_KEY, {"key": key})

    def views(self, session_id: SessionId) -> bytes | None:
        """Return the saved last views; see `History.views`."""
        row = self._views_row(session_id)
        return None if row is None else row.payload

    def save_views(self, session_id: SessionId, saved_ts: int, payload: bytes) -> None:
        """Replace the saved last views and return once they are durable; see `History.save_views`."""
        row = ViewsRow(session_id=session_id, saved_ts=saved_ts, payload=payload)
        self._write(session_id, sql.REPLACE_VIEWS, CODECS[VIEWS.name].encode(session_id, row))

    def close(self) -> None:
        """Write what is queued and close every connection; idempotent."""
        self._readers.close()
        self._writer.close()

    def _views_row(self, session_id: str) -> ViewsRow | None:
        bindings: dict[str, Scalar] = {"session_id": session_id, "limit": 1}
        rows: list[ViewsRow] = decode_rows(VIEWS, self._readers.rows(sql.SAVED_VIEWS, bindings))
        return rows[0] if rows else None

    def _session(self, query: str, bindings: dict[str, Scalar]) -> SessionRow | None:
        rows: list[SessionRow] = decode_rows(SESSIONS, self._readers.rows(query, bindings | {"limit": 1}))
        return rows[0] if rows else None

    def _number(self, query: str, bindings: dict[str, Scalar]) -> int:
        rows = self._readers.rows(query, bindings | {"limit": 1})
        return int(rows[0][0] or 0) if rows else 0

    def _write(self, session_id: str, statement: str, row: tuple[Scalar, ...]) -> None:
        answered = threading.Event()
        failures: list[BaseException | None] = []

        def done(error: BaseException | None) -> None:
            failures.append(error)
            answered.set()

        self._writer.submit(
            Job(
                session_id=session_id,
                statements=((statement, row),),
                size=sum(len(value) if isinstance(value, str | bytes) else 8 for value in row),
                submitted_ts=self._clock(),
                done=done,
            )
        )
        if not answered.wait(_ANSWER_WITHIN_S):
            reason = self._writer.state().last_error or "the disk is slow"
            raise Unavailable(
                f"The store {self._path} did not make a row durable within {_ANSWER_WITHIN_S:.0f} s: {reason}. It goes "
                "on trying; look at the disk.",
                code="store.slow",
            )
        if failures[0] is not None:
            raise failures[0]


def open_store(folder: DataFolder, clock: Callable[[], int], *, limits: WriterLimits | None = None) -> SqliteStore:
    """Open the journal of a data folder: verify its tables, try its queries, start the writer.

    Args:
        folder: The data folder; its lock is held by the caller for as long as the store is open.
        clock: Our wall clock, microseconds UTC.
        limits: Bounds of the queue and of a group commit.

    Raises:
        Broken: the file is no database, is damaged, or differs from the declaration beyond migration.
        Unavailable: the file cannot be opened or written.
    """
    path = folder.database
    try:
        connection = open_writing(path)
    except apsw.Error as error:
        raise read_failure(str(path), error) from error
    readers = Readers(path)
    writer = Writer(connection, clock, limits=limits)
    try:
        verify_tables(connection)
        readers.check_queries()
    except (PapertapeError, apsw.Error) as error:
        readers.close()
        connection.close()
        raise error if isinstance(error, PapertapeError) else read_failure(str(path), error) from error
    writer.start()
    return SqliteStore(path, writer, readers, clock)


def open_writing(path: Path) -> apsw.Connection:
    """Return the one connection that writes and checkpoints: write-ahead log, every commit synced to the disk."""
    connection = apsw.Connection(str(path))
    connection.set_busy_timeout(_BUSY_MS)
    connection.execute("PRAGMA journal_mode = WAL").fetchall()
    connection.execute("PRAGMA synchronous = FULL")
    return connection
