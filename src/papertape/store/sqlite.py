"""The embedded store: SQLite behind the journal's ports, with one thread that writes and read-only readers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import apsw

from papertape.errors import Broken, PapertapeError, Unavailable
from papertape.journal.ports import Commit, Mirror, StoreStatus
from papertape.model.session import SessionId
from papertape.model.tables import VIEWS, WATERMARKS, ViewsRow, WatermarkRow
from papertape.store import sqlite_sql as sql
from papertape.store.commit_count import CommitCount
from papertape.store.connections import open_writing
from papertape.store.faults import failure_of
from papertape.store.folder import DataFolder
from papertape.store.history import SqliteHistory
from papertape.store.migration import Migration, create_journal, migrate_journal
from papertape.store.outbox import Outbox
from papertape.store.readers import Readers
from papertape.store.rows import rows_of, size_of
from papertape.store.schema import CODECS, Scalar
from papertape.store.writer import Job, OnDurable, Statements, Writer, WriterLimits

_ANSWER_WITHIN_S = 10.0


class SqliteStore(SqliteHistory):
    """Implements `Appender` and `History` on one SQLite database."""

    def __init__(self, path: Path, writer: Writer, readers: Readers, clock: Callable[[], int]) -> None:
        super().__init__(path, readers)
        self.migration: Migration | None = None
        self._writer = writer
        self._clock = clock
        self.path = path
        self.mirror: Mirror | None = None
        self.sealing_error: str | None = None

    def submit(self, commit: Commit, on_durable: OnDurable) -> None:
        """Queue a commit; see `Appender.submit`. `on_durable` must not raise."""
        rows = rows_of(commit)
        statements = tuple((sql.INSERTS[table.name], row) for table, row in rows)
        self._submit(commit.session_id, statements, size_of(rows), on_durable)

    def probe(self) -> None:
        """Write one row, read it back, remove it; see `Appender.probe`. Blocks for two commits."""
        now = self._clock()
        row = ViewsRow(session_id=f"probe_{now}", saved_ts=now, payload=b"probe")
        try:
            try:
                self.save_views(row.session_id, row.saved_ts, row.payload)
                found = self.views_row(row.session_id)
            finally:  # also after a row that was too slow: it may still be written
                removed = self._queue(row.session_id, sql.DELETE_VIEWS, (row.session_id,))
            removed.wait()
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
            sealing_error=self.sealing_error,
            mirror=None if self.mirror is None else self.mirror.status(),
        )

    def save_views(self, session_id: SessionId, saved_ts: int, payload: bytes) -> None:
        """Replace the saved last views and return once they are durable; see `History.save_views`."""
        row = ViewsRow(session_id=session_id, saved_ts=saved_ts, payload=payload)
        self._write(session_id, sql.REPLACE_VIEWS, CODECS[VIEWS.name].encode(session_id, row))

    def transact(self, owner: str, statements: Statements, on_done: OnDurable) -> None:
        """Queue statements as one transaction; see `submit`. When they are refused, `owner` is halted, no session."""
        size = sum(len(value) if isinstance(value, str | bytes) else 8 for _, row in statements for value in row)
        self._submit(owner, statements, size, on_done)

    def outbox(self, location: str) -> Outbox:
        """Return what a copy at `location` has yet to acknowledge of this journal."""
        return Outbox(location, self._readers, self, self._acknowledge)

    def close(self) -> None:
        """Write what is queued and close every connection; idempotent."""
        super().close()
        self._writer.close()

    def _acknowledge(self, marks: Sequence[WatermarkRow]) -> None:
        encode = CODECS[WATERMARKS.name].encode
        statements = tuple((sql.REPLACE_WATERMARK, encode("", mark)) for mark in marks)
        answer = _Answer(self._path, self._writer)
        self._submit("watermarks", statements, 128 * len(statements), answer.on_durable)
        answer.wait()

    def _write(self, session_id: str, statement: str, row: tuple[Scalar, ...]) -> None:
        self._queue(session_id, statement, row).wait()

    def _queue(self, session_id: str, statement: str, row: tuple[Scalar, ...]) -> _Answer:
        answer = _Answer(self._path, self._writer)
        size = sum(len(value) if isinstance(value, str | bytes) else 8 for value in row)
        self._submit(session_id, ((statement, row),), size, answer.on_durable)
        return answer

    def _submit(self, session_id: str, statements: Statements, size: int, done: OnDurable) -> None:
        now = self._clock()
        self._writer.submit(Job(session_id=session_id, statements=statements, size=size, submitted_ts=now, done=done))


class _Answer:
    def __init__(self, path: Path, writer: Writer) -> None:
        self._path = path
        self._writer = writer
        self._answered = threading.Event()
        self._failure: BaseException | None = None

    def on_durable(self, error: BaseException | None) -> None:
        self._failure = error
        self._answered.set()

    def wait(self) -> None:
        if not self._answered.wait(_ANSWER_WITHIN_S):
            reason = self._writer.state().last_error or "the disk is slow"
            raise Unavailable(
                f"The store {self._path} did not make a row durable within {_ANSWER_WITHIN_S:.0f} s: {reason}. It goes "
                "on trying; look at the disk.",
                code="store.slow",
            )
        if self._failure is not None:
            raise self._failure


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
    readers = Readers(path)
    try:
        create_journal(folder)
        connection = open_writing(path)
        try:
            migration = migrate_journal(connection, folder)
            readers.check_queries()
            for statement in sql.FORGET_AHEAD:
                connection.execute(statement)
            count = CommitCount(connection)
        except (PapertapeError, apsw.Error, OSError):
            connection.close()
            raise
    except (apsw.Error, OSError) as error:
        readers.close()
        raise failure_of(str(path), error) from error
    except PapertapeError:
        readers.close()
        raise
    writer = Writer(connection, clock, limits=limits, count=count)
    writer.start()
    store = SqliteStore(path, writer, readers, clock)
    store.migration = migration
    return store
