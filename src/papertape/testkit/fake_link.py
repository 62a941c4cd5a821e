"""A server for a mirror, in memory, that is as a test says it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from papertape.errors import Broken, PapertapeError, Unavailable
from papertape.model.tables import MIRRORED_TABLES, Table
from papertape.store.questdb.health import ROWS_SQL, SIZES_SQL, TRANSACTIONS_SQL
from papertape.store.questdb.link import Found
from papertape.store.rows import Row


class FakeLink:
    """A server in memory: keeps rows by key, counts transactions, and fails as `failure` says."""

    def __init__(self) -> None:
        self.failure: PapertapeError | None = None
        self.poison: tuple[str, Row] | None = None
        self.unwritable = ""
        self.is_applying = True
        self.suspended: set[str] = set()
        self.verified = 0
        self.largest = 0
        self.while_sending: Callable[[], None] = lambda: None
        self.before_verifying: Callable[[], None] = lambda: None
        self.wipe()

    def wipe(self) -> None:
        """Lose every table, as a server on a new folder."""
        self.tables: dict[str, dict[Row, Row]] = {}
        self.acknowledged: dict[str, int] = {}
        self.applied: dict[str, int] = {}

    def verify(self, before_filling: Callable[[tuple[str, ...]], None]) -> Found:
        """Make the tables that are missing."""
        self.before_verifying()
        self._answer()
        self.verified += 1
        created = tuple(table.name for table in MIRRORED_TABLES if table.name not in self.tables)
        if created:
            before_filling(created)
        for name in created:
            self.tables[name], self.acknowledged[name], self.applied[name] = {}, 0, 0
        return Found(version="9.3.4", unfilled=created)

    def send(self, table: Table, rows: Sequence[Row]) -> None:
        """Keep rows by their values, unless the test says otherwise."""
        self._answer()
        self.while_sending()
        if table.name == self.unwritable:
            raise Unavailable(f"cannot write {table.name}: no space left.", code="store.mirror_unwritable")
        self.largest = max(self.largest, len(rows))
        if table.name not in self.tables or (self.poison and self.poison[0] == table.name and self.poison[1] in rows):
            raise Broken(f"no such table or row in {table.name}", code="store.mirror_rejected")
        self.tables[table.name].update({row: row for row in rows})
        self.acknowledged[table.name] += 1

    def run(self, sql: str) -> Sequence[tuple[object, ...]]:
        """Answer the questions about health."""
        self._answer()
        if self.is_applying:
            self.applied = {name: count for name, count in self.acknowledged.items() if name not in self.suspended}
        if sql == TRANSACTIONS_SQL:
            return [
                (name, name in self.suspended, self.applied.get(name, 0), count, "", "", 0)
                for name, count in self.acknowledged.items()
            ]
        return {
            ROWS_SQL: [(name, len(rows)) for name, rows in self.tables.items()],
            SIZES_SQL: [(name, 1_000) for name in self.tables],
        }[sql]

    def resume(self) -> list[str]:
        """Show again what suspended tables have taken."""
        self._answer()
        resumed = sorted(self.suspended)
        self.suspended.clear()
        return resumed

    def close(self) -> None:
        """Do nothing."""

    def _answer(self) -> None:
        if self.failure is not None:
            raise self.failure
