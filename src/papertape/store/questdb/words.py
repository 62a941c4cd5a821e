"""QuestDB's words for the mirrored tables: types, DDL, column lists. All derived from `model.tables`.

Identifiers are quoted; every select names its columns. The column `Table.time` is the designated timestamp, stored as
TIMESTAMP in microseconds; other times stay LONG.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import UNSET

from papertape.errors import Broken
from papertape.model.tables import MIRRORED_TABLES, Table
from papertape.store.schema import Column, Logical, Scalar, columns_of

QUEST_TYPES: dict[Logical, str] = {
    "integer": "LONG",
    "real": "DOUBLE",
    "text": "VARCHAR",
    "boolean": "BOOLEAN",
    "decimal": "VARCHAR",
    "json": "VARCHAR",
}
"""What a column is stored as when it is neither the table's time nor a symbol."""

TIME_TYPE = "TIMESTAMP"
SYMBOL_TYPE = "SYMBOL"
FOR_EVER_YEARS = 100

_CHOICE_CAPACITY = 16
_CAPACITY = 1_024
_CAPACITIES = {"series": 16_384, "indicator": 4_096}


def name_sql(name: str) -> str:
    """Return a name as an SQL identifier."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def names_sql(names: Iterable[str]) -> str:
    """Return names as a list of SQL identifiers."""
    return ", ".join(name_sql(name) for name in names)


def value_sql(value: Scalar) -> str:
    """Return a value as an SQL literal.

    Raises:
        Broken: bytes have none.
    """
    if isinstance(value, bytes):
        raise Broken("Bytes have no literal in QuestDB's SQL; no column of them is mirrored.", code="schema.unmirrored")
    if isinstance(value, str):
        escaped = value.replace("'", "''")
        return f"'{escaped}'"
    return "NULL" if value is None else repr(value)


def cast_sql(expression: str, kind: str) -> str:
    """Return an expression as a value of a type."""
    return f"cast({expression} AS {kind})"


def is_symbol(table: Table, column: Column) -> bool:
    """Return whether a text is stored once and referred to: few distinct values are expected."""
    return column.logical == "text" and (column.name in table.symbols or bool(column.choices))


def quest_type(table: Table, column: Column) -> str:
    """Return the type of a column, as `SHOW COLUMNS` tells it."""
    if column.name == table.time:
        return TIME_TYPE
    return SYMBOL_TYPE if is_symbol(table, column) else QUEST_TYPES[column.logical]


def column_sql(table: Table, column: Column) -> str:
    """Return the declaration of one column."""
    kind = quest_type(table, column)
    if kind == SYMBOL_TYPE:
        capacity = _CHOICE_CAPACITY if column.choices else _CAPACITIES.get(column.name, _CAPACITY)
        kind = f"{SYMBOL_TYPE} CAPACITY {capacity} CACHE"
    return f"{name_sql(column.name)} {kind}"


def dedup_keys(table: Table) -> tuple[str, ...]:
    """Return the columns by which a row sent twice is known: its time and its key."""
    return tuple(dict.fromkeys((table.time, *table.key)))


def create_table_sql(table: Table, name: str | None = None) -> str:
    """Return the DDL of a table, under another name when one is given."""
    columns = ", ".join(column_sql(table, column) for column in columns_of(table))
    ttl = "" if table.ttl_days is None else f" TTL {table.ttl_days} DAYS"
    return (
        f"CREATE TABLE {name_sql(name or table.name)} ({columns}) TIMESTAMP({name_sql(table.time)}) "
        f"PARTITION BY {table.partition}{ttl} WAL DEDUP UPSERT KEYS({names_sql(dedup_keys(table))})"
    )


def add_column_sql(table: Table, column: Column) -> str:
    """Return the statement that adds a column; old rows hold NULL in it, false in a boolean."""
    return f"ALTER TABLE {name_sql(table.name)} ADD COLUMN IF NOT EXISTS {column_sql(table, column)}"


def set_ttl_sql(table: Table) -> str:
    """Return the statement that sets how long partitions are kept.

    For ever is written as `FOR_EVER_YEARS`: QuestDB takes no TTL of 0 from a table with partitions of a month.
    """
    ttl = f"{FOR_EVER_YEARS} YEARS" if table.ttl_days is None else f"{table.ttl_days} DAYS"
    return f"ALTER TABLE {name_sql(table.name)} SET TTL {ttl}"


def rebuild_sql(table: Table, values: Sequence[str], *, new: str, old: str) -> tuple[str, ...]:
    """Return the statements that replace a table by one as declared and keep the old one under the name `old`.

    `values` are the expressions over the old table's columns, one a declared column.
    """
    names = names_sql(column.name for column in columns_of(table))
    return (
        create_table_sql(table, new),
        f"INSERT INTO {name_sql(new)} ({names}) SELECT {', '.join(values)} FROM {name_sql(table.name)}",
        f"RENAME TABLE {name_sql(table.name)} TO {name_sql(old)}",
        f"RENAME TABLE {name_sql(new)} TO {name_sql(table.name)}",
    )


def micros_sql(name: str) -> str:
    """Return the integer microseconds of a column of time."""
    return cast_sql(name_sql(name), "LONG")


def columns_sql(table: Table) -> str:
    """Return every declared column in the order of its codec, the table's time as integer microseconds."""
    return ", ".join(
        micros_sql(column.name) if column.name == table.time else name_sql(column.name) for column in columns_of(table)
    )


def select_sql(table: Table, tail: str) -> str:
    """Return a query of every declared column, followed by `tail`."""
    return f"SELECT {columns_sql(table)} FROM {name_sql(table.name)} {tail}"


def row_of(table: Table, values: Sequence[Scalar]) -> tuple[Scalar, ...]:
    """Return a found row as its codec reads it: what an old row lacks of a later column has its neutral value."""
    return tuple(
        column.neutral if value is None and not column.is_nullable and column.neutral is not UNSET else value
        for column, value in zip(columns_of(table), values, strict=True)
    )


def check_mirrored(tables: Iterable[Table]) -> None:
    """Check that QuestDB can hold these tables without changing a value.

    Raises:
        Broken: a column cannot be mirrored; the message says which and why.
    """
    for table in tables:
        columns = {column.name: column for column in columns_of(table)}
        if table.ttl_days is not None and table.partition != "DAY":
            raise _unmirrored(table, table.time, "is to be kept for days, which needs partitions of a day")
        for name in dedup_keys(table):
            if name not in columns or columns[name].is_nullable:
                raise _unmirrored(table, name, "is a key or the time, which every row must hold")
        if columns[table.time].logical != "integer":
            raise _unmirrored(table, table.time, "is the time, which is declared as integer microseconds")
        for column in columns.values():
            if column.logical == "bytes":
                raise _unmirrored(table, column.name, "holds bytes, which cannot be sent to QuestDB")
            if column.logical == "boolean" and (column.is_nullable or column.neutral != 0):
                raise _unmirrored(table, column.name, "is a boolean that may be unset, where QuestDB only knows false")


def _unmirrored(table: Table, name: str, why: str) -> Broken:
    return Broken(
        f"Table {table.name} cannot be mirrored: its column {name} {why}. Declare it otherwise, or leave the table out "
        "of MIRRORED_TABLES.",
        code="schema.unmirrored",
    )


check_mirrored(MIRRORED_TABLES)
