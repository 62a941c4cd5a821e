"""Finds a session of a data folder by its id, or says which ones there are."""

from __future__ import annotations

from pathlib import Path

from papertape.errors import NotFound
from papertape.journal.ports import History
from papertape.model.session import SessionRow

_SHOWN = 5


def find_session(history: History, session_id: str, data_dir: Path) -> SessionRow:
    """Return the newest revision of a session.

    Raises:
        NotFound: the folder keeps no such session; the message names its newest ones.
    """
    row = history.session(session_id)
    if row is not None:
        return row
    newest = history.sessions(limit=_SHOWN)
    listed = ", ".join(f"{each.session_id} ({each.plan.mode}, {each.state})" for each in newest)
    known = f"its newest are {listed}" if newest else "it keeps none yet"
    raise NotFound(f"There is no session {session_id!r} in {data_dir}; {known}.", code="session.unknown")
