"""Opens what a data folder keeps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from papertape.errors import NotFound, Unavailable
from papertape.journal.ports import History
from papertape.journal.research import Found
from papertape.store.folder import database_path
from papertape.store.history import SqliteHistory
from papertape.store.history import open_history as open_database


def wall_clock() -> int:
    """Return our wall clock in microseconds UTC."""
    return time.time_ns() // 1_000


class _FactsOnly:
    def __init__(self, history: History) -> None:
        self._history = history

    async def events(self, *asked: Any, **how: Any) -> Found[Any]:
        return Found(items=await asyncio.to_thread(self._history.events, *asked, **how), source="journal")

    async def _refuse(self, *_: Any, **__: Any) -> Found[Any]:
        raise Unavailable("This version does not answer that yet.", code="research.not_there")

    bars = indicator_values = latest_values = signals_in_context = _refuse


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
