"""The newest revision of each session's row, kept decoded: only what was written since is read again.

The table of sessions only grows, and its place (`rowid`) with it: one look at the newest place says whether anything
is new, whoever wrote it.
"""

from __future__ import annotations

import threading

from papertape.model.session import SessionId, SessionRow
from papertape.model.tables import SESSIONS
from papertape.store import sqlite_sql as sql
from papertape.store.readers import Readers
from papertape.store.rows import decode_rows

_KEPT = 1_000
_PAGE = 500


class SessionList:
    """Answers from any thread with what is durable. Of more than a thousand sessions the newest are kept."""

    def __init__(self, readers: Readers, *, kept: int = _KEPT) -> None:
        self._readers = readers
        self._kept = kept
        self._lock = threading.Lock()
        self._place = -1
        self._rows: dict[SessionId, SessionRow] = {}
        self._newest_first: list[SessionRow] = []
        self._is_complete = False

    def newest(self, limit: int) -> list[SessionRow] | None:
        """Return the newest sessions, newest first; None where more are asked for than are kept."""
        with self._lock:
            self._read_on()
            if not self._is_complete and limit > len(self._newest_first):
                return None
            return self._newest_first[:limit]

    def find(self, session_id: SessionId) -> SessionRow | None:
        """Return a session's row; None when there is none, or it is not among the newest."""
        with self._lock:
            self._read_on()
            return self._rows.get(session_id)

    def _read_on(self) -> None:
        place = int(self._readers.rows(sql.NEWEST_SESSION_PLACE, {"limit": 1}, is_short=True)[0][0] or 0)
        if place == self._place:
            return
        if self._place < 0 or place < self._place or place - self._place > _PAGE:
            self._rows = {}
            found = self._readers.rows(sql.SESSION_LIST, {"limit": self._kept}, is_short=True)
            self._is_complete = len(found) < self._kept
        else:
            bindings = {"after": self._place, "until": place, "limit": _PAGE}
            newer = self._readers.rows(sql.ROWS_ABOVE[SESSIONS.name], bindings, is_short=True)
            found = [row[1:] for row in newer]
        self._take(decode_rows(SESSIONS, found))
        self._place = place

    def _take(self, rows: list[SessionRow]) -> None:
        for row in rows:
            known = self._rows.get(row.session_id)
            if known is None or row.revision > known.revision:
                self._rows[row.session_id] = row
        ordered = sorted(self._rows.values(), key=lambda row: (row.created_ts, row.session_id), reverse=True)
        for row in ordered[self._kept :]:
            self._is_complete = False
            del self._rows[row.session_id]
        self._newest_first = ordered[: self._kept]
