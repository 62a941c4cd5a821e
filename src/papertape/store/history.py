"""Reads the embedded store: what is durable, through read-only connections."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from papertape.errors import NotFound, PapertapeError, Unavailable
from papertape.journal.ports import Filter
from papertape.model.entries import Batch
from papertape.model.session import SessionId, SessionRow
from papertape.model.tables import EVENT_TABLES, SAMPLES, SESSIONS, TAPE, VIEWS, SampleRow, Table, TapeRow, ViewsRow
from papertape.store import sqlite_sql as sql
from papertape.store.readers import Readers
from papertape.store.rows import decode_rows, filter_value
from papertape.store.schema import Scalar
from papertape.store.segments.catalogue import Segments
from papertape.store.segments.joined import read_joined
from papertape.store.session_list import SessionList

_LARGEST_SEQ = 2**63 - 1
_BATCH_PAGE = 64
_RECORD_PAGE = 5_000


class SqliteHistory:
    """Implements `History` for reading only; `SqliteStore` adds what writes."""

    def __init__(self, path: Path, readers: Readers) -> None:
        self._path = path
        self._readers = readers
        self._sessions = SessionList(readers)
        self.segments = Segments(path.parent, readers)

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

    def records(self, table: Table, session_id: SessionId) -> Iterator[Any]:  # Any: the table's record type
        """Yield everything of a session in one table but the tape, in the order of the table's key."""
        place, after = table.column(table.key[1]), -1
        while True:
            bindings: dict[str, Scalar] = {"session_id": session_id, "after": after, "limit": _RECORD_PAGE}
            found = decode_rows(table, self._readers.rows(sql.SESSION_RECORDS[table.name], bindings))
            yield from found
            if len(found) < _RECORD_PAGE:
                return
            after = getattr(found[-1], place)

    def newest_samples(self, session_id: SessionId) -> Iterator[SampleRow]:
        """Yield the samples of a session, newest first."""
        until, limit = _LARGEST_SEQ, 1
        while True:
            bindings: dict[str, Scalar] = {"session_id": session_id, "until": until, "limit": limit}
            found: list[SampleRow] = decode_rows(SAMPLES, self._readers.rows(sql.NEWEST_SAMPLES, bindings))
            yield from found
            if len(found) < limit:
                return
            until, limit = found[-1].entry_seq, min(2 * limit, _RECORD_PAGE)  # the first one is mostly enough

    def batches(self, session_id: SessionId, *, after_seq: int = 0) -> Iterator[Batch]:
        """Yield the journalled batches; see `History.batches`."""
        # The tail is asked before the manifest, here and page by page: what is sealed in between is found in both.
        before = self._number(sql.ENTRY_BEFORE, {"session_id": session_id, "after": after_seq})

        def page(after: int) -> Sequence[TapeRow]:
            bindings: dict[str, Scalar] = {"session_id": session_id, "after": after, "limit": _BATCH_PAGE}
            return decode_rows(TAPE, self._readers.rows(sql.BATCHES, bindings))

        return read_joined(session_id, after_seq, before, page, self.segments)

    def last_event_seq(self, session_id: SessionId) -> int:
        """Return the highest durable fact seq; see `History.last_event_seq`."""
        return max(self._number(sql.LAST_EVENT[table.name], {"session_id": session_id}) for table in EVENT_TABLES)

    def last_entry_seq(self, session_id: SessionId) -> int:
        """Return the highest durable entry seq; see `History.last_entry_seq`."""
        in_tail = self._number(sql.LAST_ENTRY, {"session_id": session_id})
        sealed = self.segments.before(session_id, _LARGEST_SEQ)
        return max(in_tail, 0 if sealed is None else sealed.last_seq)

    def session(self, session_id: SessionId) -> SessionRow | None:
        """Return the newest revision of a session's row; see `History.session`."""
        return self._sessions.find(session_id) or self._session(sql.SESSION, {"session_id": session_id})

    def sessions(self, *, limit: int = 200) -> list[SessionRow]:
        """Return the newest revision of every session; see `History.sessions`."""
        kept = self._sessions.newest(max(0, limit))
        if kept is not None:
            return kept
        return decode_rows(SESSIONS, self._readers.rows(sql.SESSION_LIST, {"limit": max(0, limit)}))

    def session_by_idempotency_key(self, key: str) -> SessionRow | None:
        """Return the session started with this key; see `History.session_by_idempotency_key`."""
        return self._session(sql.SESSION_BY_KEY, {"key": key})

    def views(self, session_id: SessionId) -> bytes | None:
        """Return the saved last views; see `History.views`."""
        row = self.views_row(session_id)
        return None if row is None else row.payload

    def save_views(self, session_id: SessionId, saved_ts: int, payload: bytes) -> None:
        """Refuse: this store was opened for reading only."""
        raise Unavailable(
            f"{self._path} was opened for reading only, so the views of {session_id} as of {saved_ts} "
            f"({len(payload)} bytes) were not saved; save them through the desk that writes it.",
            code="store.reading_only",
        )

    def close(self) -> None:
        """Close every connection; idempotent."""
        self._readers.close()

    def views_row(self, session_id: str) -> ViewsRow | None:
        """Return the saved last views of a session with their time."""
        bindings: dict[str, Scalar] = {"session_id": session_id, "limit": 1}
        rows: list[ViewsRow] = decode_rows(VIEWS, self._readers.rows(sql.SAVED_VIEWS, bindings))
        return rows[0] if rows else None

    def _session(self, query: str, bindings: dict[str, Scalar]) -> SessionRow | None:
        rows: list[SessionRow] = decode_rows(SESSIONS, self._readers.rows(query, bindings | {"limit": 1}))
        return rows[0] if rows else None

    def _number(self, query: str, bindings: dict[str, Scalar]) -> int:
        rows = self._readers.rows(query, bindings | {"limit": 1})
        return int(rows[0][0] or 0) if rows else 0


def open_history(path: Path) -> SqliteHistory:
    """Open the journal at `path` for reading only, also while a desk writes it; no lock is needed.

    Raises:
        NotFound: there is no such file.
        Unavailable: it cannot be read, or a desk of this version has not migrated it yet.
        Broken: it is damaged or no database.
    """
    if not path.exists():
        raise NotFound(
            f"There is no journal {path}; give the data folder of a desk that has run.", code="store.missing"
        )
    readers = Readers(path)
    try:
        readers.check_queries()
    except PapertapeError:
        readers.close()
        raise
    return SqliteHistory(path, readers)
