"""Opens what a data folder keeps, and finds a session in it or says which ones there are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from papertape.errors import NotFound
from papertape.journal.ports import History
from papertape.model.session import SessionRow
from papertape.store.folder import database_path
from papertape.store.history import SqliteHistory
from papertape.store.history import open_history as open_database

_SHOWN = 5


@contextmanager
def open_history(path: Path) -> Iterator[SqliteHistory]:
    """Open the sessions of a data folder to read them; a desk may be running on it.

    Raises:
        NotFound: there is no such folder, or no session was ever kept in it.
    """
    database = database_path(path)
    if not database.exists():
        raise NotFound(f"There is no data in {path}; give another folder with --data-dir.", code="folder.missing")
    history = open_database(database)
    try:
        yield history
    finally:
        history.close()


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
