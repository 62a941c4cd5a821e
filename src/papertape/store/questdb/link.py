"""The one connection a mirror has to its QuestDB: verify, send, ask, resume."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from papertape.model.tables import Table
from papertape.store.questdb.address import QuestAddress
from papertape.store.questdb.health import TableHealth, resume_sql
from papertape.store.questdb.lines import LineSender
from papertape.store.questdb.statements import Statements
from papertape.store.questdb.verify import verify_mirror
from papertape.store.rows import Row


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a server was found to be. `unfilled` are tables it did not have, or not with every column."""

    version: str
    unfilled: tuple[str, ...]


class Link(Protocol):
    """A server that takes a copy. Every method may raise `Unavailable`, `Invalid` or `Broken`."""

    def verify(self, before_filling: Callable[[tuple[str, ...]], None]) -> Found:
        """Make the server's tables what is declared.

        `before_filling` is told, before anything is changed, the tables whose rows must be sent again from the first.
        """

    def send(self, table: Table, rows: Sequence[Row]) -> None:
        """Send rows in one transaction and return once they are acknowledged."""

    def run(self, sql: str) -> Sequence[tuple[object, ...]]:
        """Return the rows of a statement."""

    def resume(self) -> list[str]:
        """Let the server go on with the tables it has suspended and return their names; from any thread."""

    def close(self) -> None:
        """Let go of the connections; idempotent."""


class QuestLink:
    """Implements `Link` on a QuestDB; a request may take `timeout_s`."""

    def __init__(self, address: QuestAddress, *, timeout_s: float) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._statements = Statements(address, timeout_s=timeout_s)
        self._lines = LineSender(address, timeout_s=timeout_s)

    def verify(self, before_filling: Callable[[tuple[str, ...]], None]) -> Found:
        """Create what is missing; see `verify_mirror`."""
        # The server keeps a writer per connection and table, and acknowledges what it writes to one that was dropped.
        self._lines.close()
        version = self._statements.version()
        verified = verify_mirror(self._statements, before_filling=before_filling)
        return Found(version=version, unfilled=(*verified.created, *verified.widened))

    def send(self, table: Table, rows: Sequence[Row]) -> None:
        """Send rows in one transaction; see `LineSender.send`."""
        self._lines.send(table, rows)

    def run(self, sql: str) -> Sequence[tuple[object, ...]]:
        """Return the rows of a statement; see `Statements.run`."""
        return self._statements.run(sql)

    def resume(self) -> list[str]:
        """Resume tables, over a connection of its own."""
        statements = Statements(self._address, timeout_s=self._timeout_s)
        try:
            health = TableHealth()
            health.ask_transactions(statements)
            for table in health.suspended:
                statements.run(resume_sql(table))
        finally:
            statements.close()
        return health.suspended

    def close(self) -> None:
        """Close both connections."""
        self._lines.close()
        self._statements.close()
