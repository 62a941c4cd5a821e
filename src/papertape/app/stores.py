"""Opens what a data folder keeps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from papertape.errors import NotFound
from papertape.store.folder import database_path
from papertape.store.history import SqliteHistory
from papertape.store.history import open_history as open_database


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
