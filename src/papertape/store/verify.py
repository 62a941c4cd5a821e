"""Compares the live SQLite tables with the declaration: adds what is missing, refuses what cannot be migrated."""

from __future__ import annotations

from collections.abc import Sequence

import apsw
import msgspec
from msgspec import UNSET

from papertape.errors import Broken
from papertape.model.tables import TABLES, Table
from papertape.store.schema import Column, Scalar, columns_of
from papertape.store.sqlite_sql import SQLITE_TYPES, add_column_sql, create_table_sql, names_sql, quote, quote_value


class _LiveColumn(msgspec.Struct, frozen=True):
    name: str
    sqlite_type: str
    is_not_null: bool
    has_default: bool
    key_position: int


_Live = dict[str, _LiveColumn]


class TableChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What lies between live tables and their declaration.

    `statements` would be run to migrate them; each of `problems` is a difference that only its reader can decide, with
    the statements to run.
    """

    statements: tuple[str, ...]
    problems: tuple[str, ...]


def compare_tables(connection: apsw.Connection, tables: Sequence[Table] = TABLES) -> TableChanges:
    """Return what lies between the live tables and the declaration; nothing is changed."""
    statements: list[str] = []
    problems: list[str] = []
    for table in tables:
        live = _live_columns(connection, table)
        needed, differences = _compare(connection, table, live) if live else ([create_table_sql(table)], [])
        if differences:
            problems.append(f"Table {table.name}: {'; '.join(differences)}. Run:\n{_rebuild_sql(table, live)}")
        else:
            statements.extend(needed)
    return TableChanges(statements=tuple(statements), problems=tuple(problems))


def verify_tables(connection: apsw.Connection, tables: Sequence[Table] = TABLES) -> list[str]:
    """Create missing tables, add missing columns, and return the statements that were run.

    Either everything fits afterwards or nothing was changed.

    Raises:
        Broken: a table cannot be migrated without losing or inventing something; the message holds the statements to
            run.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        changes = compare_tables(connection, tables)
        if changes.problems:
            raise Broken(_refusal(connection, changes.problems), code="store.schema_differs")
        for statement in changes.statements:
            connection.execute(statement)
        connection.execute("COMMIT")
        return list(changes.statements)
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _refusal(connection: apsw.Connection, problems: Sequence[str]) -> str:
    listed = "\n".join(problems)
    return (
        f"The database {connection.filename} differs from what this version of papertape declares, and cannot be "
        "migrated without a decision of yours; nothing was changed. Make a copy of it, run the statements below, for "
        f"example with the sqlite3 program, and start again.\n{listed}"
    )


def _live_columns(connection: apsw.Connection, table: Table) -> _Live:
    rows = connection.execute('SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(?)', (table.name,))
    return {
        str(name): _LiveColumn(str(name), str(kind).upper(), bool(not_null), default is not None, int(str(position)))
        for name, kind, not_null, default, position in rows
    }


def _compare(connection: apsw.Connection, table: Table, live: _Live) -> tuple[list[str], list[str]]:
    statements: list[str] = []
    differences: list[str] = []
    in_key = sorted((column.key_position, column.name) for column in live.values() if column.key_position)
    key = tuple(name for _, name in in_key)
    if key != table.key:
        differences.append(f"its key is ({', '.join(key)}), expected ({', '.join(table.key)})")
    declared = columns_of(table)
    for column in declared:
        if column.name in live:
            differences.extend(_column_differences(connection, table, column, live[column.name]))
        elif column.neutral is not UNSET:
            statements.append(add_column_sql(table, column, column.neutral))
        elif _has_rows(connection, table, "1"):
            differences.append(_needs_a_value(column))
        else:
            statements.append(add_column_sql(table, column, None))
    known = {column.name for column in declared}
    differences.extend(
        f"column {extra.name} is not declared, and no row can be written without it"
        for extra in live.values()
        if extra.name not in known and extra.is_not_null and not extra.has_default
    )
    return statements, differences


def _needs_a_value(column: Column) -> str:
    stand_in = quote_value(_stand_in(column))
    wanted = f"one of {', '.join(column.choices)}" if column.choices else "a value"
    return (
        f"column {column.name} is missing and nothing neutral can stand in its old rows, which need {wanted}; the "
        f"statement writes {stand_in}, change it where that is not true"
    )


def _column_differences(connection: apsw.Connection, table: Table, column: Column, live: _LiveColumn) -> list[str]:
    expected = SQLITE_TYPES[column.logical]
    if live.sqlite_type != expected:
        return [f"column {column.name} has type {live.sqlite_type or 'none'}, expected {expected}"]
    if live.is_not_null and column.is_nullable:
        return [f"column {column.name} is NOT NULL, expected to allow NULL"]
    is_too_free = not live.is_not_null and not column.is_nullable
    if is_too_free and _has_rows(connection, table, f"{quote(column.name)} IS NULL"):
        return [f"column {column.name} holds NULL in some rows, expected NOT NULL"]
    return []


def _rebuild_sql(table: Table, live: _Live) -> str:
    old = quote(f"{table.name}_old")
    columns = columns_of(table)
    values = ", ".join(_rebuilt_value(column, live.get(column.name)) for column in columns)
    # Rows keep their places: what was sealed or copied elsewhere is known by them.
    names, values = f"rowid, {names_sql([column.name for column in columns])}", f"rowid, {values}"
    return (
        f"ALTER TABLE {quote(table.name)} RENAME TO {old}; {create_table_sql(table)}; "
        f"INSERT INTO {quote(table.name)} ({names}) SELECT {values} FROM {old} ORDER BY rowid;"
    )


def _rebuilt_value(column: Column, live: _LiveColumn | None) -> str:
    stand_in = quote_value(_stand_in(column))
    if live is None:
        return stand_in
    value, expected = quote(column.name), SQLITE_TYPES[column.logical]
    if live.sqlite_type != expected:
        value = f"CAST({value} AS {expected})"
    return value if column.is_nullable or live.is_not_null else f"COALESCE({value}, {stand_in})"


def _stand_in(column: Column) -> Scalar:
    if column.neutral is not UNSET:
        return column.neutral
    return column.choices[0] if column.choices else "{}"


def _has_rows(connection: apsw.Connection, table: Table, condition: str) -> bool:
    found = connection.execute(f"SELECT 1 FROM {quote(table.name)} WHERE {condition} LIMIT 1").fetchall()
    return bool(found)
