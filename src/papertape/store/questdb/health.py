"""Asks a QuestDB how its tables are doing: suspended, behind with applying, short of memory, how large."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from papertape.model.tables import MIRRORED_TABLES
from papertape.model.views import MirroredTable
from papertape.store.questdb.progress import Transactions

TRANSACTIONS_SQL = (
    "SELECT name, suspended, writerTxn, sequencerTxn, errorTag, errorMessage, memoryPressure FROM wal_tables()"
)
ROWS_SQL = "SELECT table_name, table_row_count FROM tables()"
SIZES_SQL = "SELECT tableName, diskSize FROM table_storage()"

_NAMES = tuple(table.name for table in MIRRORED_TABLES)


class Asking(Protocol):
    """Runs a statement and returns its rows."""

    def run(self, sql: str) -> Sequence[tuple[object, ...]]:
        """Return the rows of a statement."""


class _Applied(msgspec.Struct, frozen=True, array_like=True):
    name: str
    is_suspended: bool
    visible: int
    acknowledged: int
    error_tag: str | None
    error: str | None
    memory_pressure: int


class TableHealth:
    """The last answers of one server about our tables."""

    def __init__(self) -> None:
        self._applied: dict[str, _Applied] = {}
        self._rows: dict[str, int] = {}
        self._sizes: dict[str, int] = {}

    @property
    def transactions(self) -> Transactions:
        """Return of each table the newest transaction that is visible and the newest that is acknowledged."""
        return {name: (each.visible, each.acknowledged) for name, each in self._applied.items()}

    @property
    def suspended(self) -> list[str]:
        """Return the tables whose acknowledged rows are not shown until they are resumed."""
        return [name for name, each in self._applied.items() if each.is_suspended]

    @property
    def untouched(self) -> list[str]:
        """Return the tables that have never taken a row."""
        return [name for name, each in self._applied.items() if not each.acknowledged]

    def ask_transactions(self, server: Asking) -> list[str]:
        """Ask for transactions and return the tables that lost some: they are gone, or were put back to an old state.

        Raises:
            PapertapeError: the server does not answer or refuses.
        """
        rows = msgspec.convert(server.run(TRANSACTIONS_SQL), list[_Applied])
        before = self._applied
        self._applied = {row.name: row for row in rows if row.name in _NAMES}
        return [name for name in _NAMES if _has_lost(before.get(name), self._applied.get(name))]

    def ask_rows(self, server: Asking) -> None:
        """Ask how many rows each table shows; raises as `ask_transactions`."""
        self._rows = _numbers(server.run(ROWS_SQL))

    def ask_sizes(self, server: Asking) -> None:
        """Ask how many bytes of disk each table takes; raises as `ask_transactions`."""
        self._sizes = _numbers(server.run(SIZES_SQL))

    def tables(self) -> tuple[MirroredTable, ...]:
        """Return each table as of the last answers, in the order of their declaration."""
        known: Mapping[str, _Applied] = self._applied
        return tuple(self._table(known[name]) for name in _NAMES if name in known)

    def forget_transactions(self) -> None:
        """Take what is asked next as it is: the tables were made anew."""
        self._applied = {}

    def _table(self, applied: _Applied) -> MirroredTable:
        said = ": ".join(text for text in (applied.error_tag, applied.error) if text)
        return MirroredTable(
            table=applied.name,
            rows=self._rows.get(applied.name, 0),
            unapplied=max(0, applied.acknowledged - applied.visible),
            is_suspended=applied.is_suspended,
            memory_pressure=applied.memory_pressure,
            disk_bytes=self._sizes.get(applied.name, 0),
            error=said or None,
        )


def resume_sql(table: str) -> str:
    """Return the statement that lets a suspended table go on."""
    return f"ALTER TABLE {table} RESUME WAL"


def _has_lost(before: _Applied | None, now: _Applied | None) -> bool:
    return now is None or (before is not None and now.acknowledged < before.acknowledged)


def _numbers(rows: Iterable[tuple[object, ...]]) -> dict[str, int]:
    return {name: number or 0 for name, number in msgspec.convert(list(rows), list[tuple[str, int | None]])}
