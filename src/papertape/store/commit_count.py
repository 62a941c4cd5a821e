"""Counts the rows of the journal a second time, in a small file beside it, so that a log that lost its end is noticed.

SQLite takes a log that was cut off, or is gone, for one that was never longer. The file's count is written after each
transaction is durable, so it may lag (a power cut) and never leads: where it leads, rows that were acknowledged are no
longer there. Rows are counted by their places, which grow by one with each and stay when older rows are sealed.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import apsw

from papertape.errors import Broken
from papertape.store.connections import open_reading
from papertape.store.inspection_sql import newest_place_sql
from papertape.store.sqlite_sql import INSERTS, OUTBOX_TABLES

_COUNTED = frozenset(INSERTS[table.name] for table in OUTBOX_TABLES)
_WIDTH = 20


class CommitCount:
    """Counts what the one connection that writes a journal has made durable."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._count = _places(connection)
        self._file = os.open(count_file(Path(connection.filename)), os.O_RDWR | os.O_CREAT, 0o644)
        self.add(())

    def add(self, statements: Iterable[str]) -> None:
        """Count statements whose transaction is durable."""
        self._count += sum(statement in _COUNTED for statement in statements)
        with contextlib.suppress(OSError):  # a file that lags says less and nothing wrong; the rows are durable
            os.pwrite(self._file, f"{self._count:0{_WIDTH}}\n".encode(), 0)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)


def count_file(database: Path) -> Path:
    """Return the file with the count of a journal."""
    return Path(f"{database}-count")


def check_count(database: Path) -> None:
    """Refuse a journal that lacks acknowledged rows; nothing is changed, its log included.

    Raises:
        Broken: rows were acknowledged that it does not hold.
        apsw.Error: it cannot be read.
        OSError: the file cannot be read.
    """
    file = count_file(database)
    text = file.read_bytes()[: _WIDTH + 1].decode("ascii", "replace").strip() if file.exists() else ""
    if not (text.isascii() and text.isdigit()):
        return  # a power cut can leave it empty: then nothing is known
    with closing(open_reading(database)) as connection, connection:
        found = _places(connection)
    if found < int(text):
        raise Broken(
            f"The journal {database} ends at row {found}, but row {int(text)} was acknowledged: its write-ahead log "
            f"{database.name}-wal was cut short, replaced or removed, or an older journal was put in its place. "
            "Nothing was changed. Put the right files back, or restore a backup; to go on without the rows that are "
            f"lost, remove {file} and start again.",
            code="store.commits_lost",
        )


def _places(connection: apsw.Connection) -> int:
    tables = [table for table in OUTBOX_TABLES if connection.table_exists("main", table.name)]
    newest = (connection.execute(newest_place_sql(table)).fetchall() for table in tables)
    return sum(int(str(rows[0][0] or 0)) for rows in newest)
