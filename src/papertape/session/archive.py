"""Sessions that do not run here: their saved last views, their heads, and the last word on their row."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from papertape.journal.ports import Appender, Commit, History
from papertape.model.entries import Lifecycle
from papertape.model.events import EquityMarked
from papertape.model.session import SessionId, SessionRow
from papertape.model.tables import EQUITY
from papertape.model.views import BarView, SessionView
from papertape.session.latest import SavedViews, session_view
from papertape.session.recovery import stored_heads
from papertape.session.source import MarketSource
from papertape.session.unsaved import Views, unsaved_views


class Archive:
    """Reads what an ended session left behind; the newest few are kept in memory."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._saved: dict[SessionId, SavedViews] = {}
        self._heads: dict[SessionId, dict[str, int]] = {}
        self._equities: dict[SessionId, Decimal | None] = {}
        self._listed: dict[SessionId, tuple[SessionRow, SessionView]] = {}

    def views(self, row: SessionRow, topic: str) -> Views:
        """Return the saved last views of a topic; without any, what the session watches and why it stands still."""
        saved = self._views(row.session_id)
        return unsaved_views(row, self._history, topic) if saved.is_empty else saved.topic(topic)

    def heads(self, row: SessionRow) -> dict[str, int]:
        """Return the newest durable seq of each must-not-lose topic."""
        if row.session_id not in self._heads:
            self._heads[row.session_id] = stored_heads(row, self._history)
        return self._heads[row.session_id]

    def equity(self, session_id: SessionId) -> Decimal | None:
        """Return what the account was last marked at; None when it never was."""
        if session_id not in self._equities:
            newest: list[EquityMarked] = self._history.events(EQUITY, session_id, limit=1, newest_first=True)
            self._equities[session_id] = newest[0].equity if newest else None
        return self._equities[session_id]

    def view(self, row: SessionRow, source: MarketSource | None) -> SessionView:
        """Return a session as listed; made once for each revision of its row."""
        known = self._listed.get(row.session_id)
        if known is None or known[0] is not row:
            known = (row, session_view(row, source, None, self.equity(row.session_id)))
            self._listed[row.session_id] = known
        return known[1]

    def bars(self, session_id: SessionId, instrument: str, interval_s: int, limit: int) -> list[BarView]:
        """Return the saved bars of an instrument, oldest first; none of an interval that is not kept."""
        return self._views(session_id).bars(instrument, interval_s)[-limit:]

    def forget(self, session_id: SessionId) -> None:
        """Read the session's leavings anew next time."""
        self._saved.pop(session_id, None)
        self._heads.pop(session_id, None)
        self._equities.pop(session_id, None)
        self._listed.pop(session_id, None)

    def close_row(self, row: SessionRow, state: Lifecycle, reason: str, appender: Appender, now: int) -> None:
        """Append a last revision to the row of a session that could not be resumed."""
        last = msgspec.structs.replace(row, state=state, reason=reason, revision=row.revision + 1, updated_ts=now)
        appender.submit(Commit(session_id=row.session_id, batch=None, row=last), lambda _: None)

    def _views(self, session_id: SessionId) -> SavedViews:
        if session_id not in self._saved:
            while len(self._saved) >= 8:
                self._saved.pop(next(iter(self._saved)))
            self._saved[session_id] = SavedViews(self._history.views(session_id))
        return self._saved[session_id]
