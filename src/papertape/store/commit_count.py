"""Counts commits twice, in the journal and in a small file beside it, so that a log that lost its end is noticed.

SQLite takes a log that was cut off, or is gone, for one that was never longer. The count in the journal is part of each
transaction; the file's is written after it, so it may lag (a power cut) and never leads: where it leads, commits that
were acknowledged are no longer there.
"""

from __future__ import annotations

import contextlib
import os
from contextlib import closing
from pathlib import Path

import apsw

from papertape.errors import Broken
from papertape.store.connections import open_reading

_TURN = 2**31
_WIDTH = 10


class CommitCount:
    """Counts the commits of the one connection that writes a journal."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._count = self._next = int(connection.pragma("user_version"))
        self._file = os.open(count_file(Path(connection.filename)), os.O_RDWR | os.O_CREAT, 0o644)
        self.note()

    def advance(self) -> None:
        """Count the transaction that is open."""
        self._next = (self._count + 1) % _TURN
        self._connection.pragma("user_version", self._next)

    def note(self) -> None:
        """Take the count of the journal into the file, once its transaction is durable."""
        self._count = self._next
        with contextlib.suppress(OSError):  # a file that lags says less and nothing wrong; the commit is durable
            os.pwrite(self._file, f"{self._count:0{_WIDTH}}\n".encode(), 0)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)


def count_file(database: Path) -> Path:
    """Return the file with the count of a journal."""
    return Path(f"{database}-count")


def check_count(database: Path) -> None:
    """Refuse a journal that lacks acknowledged commits; nothing is changed, its log included.

    Raises:
        Broken: commits were acknowledged that it does not hold.
        apsw.Error: it cannot be read.
        OSError: the file cannot be read.
    """
    file = count_file(database)
    text = file.read_bytes()[: _WIDTH + 1].decode("ascii", "replace").strip() if file.exists() else ""
    if not (text.isascii() and text.isdigit()):
        return  # a power cut can leave it empty: then nothing is known
    with closing(open_reading(database)) as connection:
        found = int(connection.pragma("user_version"))
    acknowledged = int(text)
    if 0 < (acknowledged - found) % _TURN < _TURN // 2:
        raise Broken(
            f"The journal {database} ends at commit {found}, but commit {acknowledged} was acknowledged: its "
            f"write-ahead log {database.name}-wal was cut short, replaced or removed, or an older journal was put in "
            "its place. Nothing was changed. Put the right files back, or restore a backup; to go on without the "
            f"commits that are lost, remove {file} and start again.",
            code="store.commits_lost",
        )
