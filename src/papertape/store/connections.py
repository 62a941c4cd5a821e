"""Opens connections: one that writes, and those that only read."""

from __future__ import annotations

from pathlib import Path

import apsw

_WRITING_BUSY_MS = 1_000
_READING_BUSY_MS = 2_000


def open_writing(path: Path) -> apsw.Connection:
    """Return the one connection that writes and checkpoints: write-ahead log, every commit synced to the disk."""
    connection = _open(path, apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE, _WRITING_BUSY_MS)
    try:
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
        connection.execute("PRAGMA synchronous = FULL")
    except apsw.Error:
        connection.close()
        raise
    return connection


def open_reading(path: Path) -> apsw.Connection:
    """Return a connection that cannot write and never checkpoints."""
    return _open(path, apsw.SQLITE_OPEN_READONLY, _READING_BUSY_MS)


def _open(path: Path, flags: int, busy_ms: int) -> apsw.Connection:
    connection = apsw.Connection(str(path), flags=flags)
    connection.set_busy_timeout(busy_ms)
    # Otherwise SQLite reads a quoted name that is no column as a text, and a missing column answers with its own name.
    for option in (apsw.SQLITE_DBCONFIG_DQS_DML, apsw.SQLITE_DBCONFIG_DQS_DDL):
        connection.config(option, 0)
    return connection
