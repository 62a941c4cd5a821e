"""A small pool of read-only connections: they see what is durable and never write or checkpoint."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import apsw
import msgspec

from papertape.errors import Unavailable
from papertape.store.connections import open_reading
from papertape.store.faults import failure_of
from papertape.store.schema import Scalar
from papertape.store.sqlite_sql import named_queries

_WAIT_S = 10.0
_UNBOUND: dict[str, Scalar] = {"session_id": "", "after": 0, "until": 0, "limit": 0, "key": ""}


class ReadPage(msgspec.Struct, frozen=True):
    """Rows of a query, `is_cut` when they were as many bytes as allowed and more may follow."""

    rows: list[tuple[Scalar, ...]]
    is_cut: bool


class Readers:
    """Runs queries from any thread, at most `size` at once, and one more for those that must not wait for long ones.

    These are the queries of the thread that made it, the event loop's, and whatever else says that it is short.
    """

    def __init__(self, path: Path, *, size: int = 4) -> None:
        self._path = path
        self._size = size
        self._is_closed = False
        self._idle: queue.LifoQueue[apsw.Connection | None] = queue.LifoQueue()
        for _ in range(size):
            self._idle.put(None)
        self._reserved: queue.LifoQueue[apsw.Connection | None] = queue.LifoQueue()
        self._reserved.put(None)
        self._maker = threading.get_ident()

    def rows(self, sql: str, bindings: Mapping[str, Scalar], *, is_short: bool = False) -> list[tuple[Scalar, ...]]:
        """Return all rows of a query.

        Raises:
            Unavailable: the database cannot be read now.
            Broken: the database is damaged.
        """
        with self._connection(is_short=is_short) as connection:
            return connection.execute(sql, _UNBOUND | dict(bindings)).fetchall()

    def page(self, sql: str, bindings: Mapping[str, Scalar], max_size: int) -> ReadPage:
        """Return the first rows of a query, one more at most than `max_size` bytes hold; raises as `rows` does."""
        rows: list[tuple[Scalar, ...]] = []
        size = 0
        with self._connection() as connection:
            found = connection.execute(sql, _UNBOUND | dict(bindings))
            for row in found:
                rows.append(row)
                size += sum(len(value) if isinstance(value, str | bytes) else 8 for value in row)
                if size >= max_size:
                    break
            found.close()
        return ReadPage(rows, size >= max_size)

    def check_queries(self) -> None:
        """Run every named query once for no rows, so that a query that cannot run fails at start."""
        for sql in named_queries().values():
            self.rows(sql, {"limit": 0})

    def close(self) -> None:
        """Close every connection, after the queries that run; idempotent."""
        taken = [(self._idle, self._idle.get()) for _ in range(self._size)]
        taken.append((self._reserved, self._reserved.get()))
        self._is_closed = True
        for idle, connection in taken:
            if connection is not None:
                connection.close()
            idle.put(None)

    @contextmanager
    def _connection(self, *, is_short: bool = False) -> Iterator[apsw.Connection]:
        idle = self._reserved if is_short or threading.get_ident() == self._maker else self._idle
        try:
            connection = idle.get(timeout=_WAIT_S)
        except queue.Empty as error:
            raise Unavailable(
                f"All {self._size} readers of {self._path} were busy for {_WAIT_S:.0f} s; ask again later.",
                code="store.readers_busy",
            ) from error
        try:
            if self._is_closed:
                raise Unavailable(
                    f"The store {self._path} is closed; start papertape again to read from it.", code="store.closed"
                )
            connection = connection or open_reading(self._path)
            yield connection
        except apsw.Error as error:
            raise failure_of(str(self._path), error) from error
        finally:
            idle.put(connection)
