"""Opens what a data folder keeps."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from papertape.errors import NotFound
from papertape.journal.ports import History
from papertape.store.folder import open_folder
from papertape.store.sqlite import open_store


def wall_clock() -> int:
    """Return our wall clock in microseconds UTC."""
    return time.time_ns() // 1_000


@contextmanager
def open_history(path: Path) -> Iterator[History]:
    """Open a data folder that no desk uses now, to read its sessions.

    Raises:
        NotFound: there is no such folder.
        Conflict: a desk runs on it.
    """
    if not path.exists():
        raise NotFound(f"There is no data folder {path}; give another with --data-dir.", code="folder.missing")
    folder = open_folder(path)
    try:
        store = open_store(folder, wall_clock)
        try:
            yield store
        finally:
            store.close()
    finally:
        folder.close()
