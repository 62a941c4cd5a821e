"""Compares a QuestDB's tables with the declaration: adds what is missing, refuses what cannot be migrated."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import msgspec
from msgspec import UNSET

from papertape.errors import Broken, Unavailable
from papertape.model.tables import MIRRORED_TABLES, Table
from papertape.store.questdb import words
from papertape.store.questdb.health import ROWS_SQL, SIZES_SQL, TRANSACTIONS_SQL
from papertape.store.questdb.questions import named_questions
from papertape.store.questdb.statements import Statements
from papertape.store.schema import Column, Scalar, columns_of

TABLES_SQL = "SELECT table_name, partitionBy, walEnabled, dedup, ttlValue, ttlUnit FROM tables()"
_SUSPENDED_SQL = "SELECT name FROM wal_tables() WHERE suspended"
_APPLY_S = 10.0
_POLL_S = 0.02
_HOURS = {"HOUR": 1, "DAY": 24, "WEEK": 7 * 24}


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """What verification changed, or would change: tables it created, tables it gave a column, and every statement.

    Rows that were written before lack the new column's values until they are sent again.
    """

    created: tuple[str, ...]
    changes: tuple[str, ...]
    widened: tuple[str, ...] = ()


class _LiveColumn(msgspec.Struct, frozen=True, array_like=True):
    name: str
    kind: str
    is_time: bool
    is_key: bool


class _LiveTable(msgspec.Struct, frozen=True, array_like=True):
    name: str
    partition: str
    is_wal: bool
    has_dedup: bool
    ttl: int
    ttl_unit: str


_Columns = Mapping[str, _LiveColumn]


def verify_mirror(
    statements: Statements,
    tables: Sequence[Table] = MIRRORED_TABLES,
    *,
    is_changing: bool = True,
    before_filling: Callable[[tuple[str, ...]], None] | None = None,
) -> Verified:
    """Create missing tables, add missing columns, set changed times to live, and try every query without rows.

    Either everything fits afterwards or nothing was changed. Columns that are not declared are left alone. Where
    `is_changing` is false, nothing is changed and what would be done is returned. `before_filling` is told the tables
    that are made or given a column, before they are: who was to send their rows again and ended in between would not
    know it afterwards.

    Raises:
        Broken: a table cannot be migrated without losing or inventing something; the message holds the statements to
            run (`store.mirror_differs`).
        Unavailable: the server does not answer, or has not applied the changes within 10 s.
        Invalid: it lets us not in, or is no QuestDB.
    """
    live = _live_tables(statements)
    created: list[str] = []
    widened: list[str] = []
    changes: list[str] = []
    problems: list[str] = []
    altered: list[Table] = []
    for table in tables:
        if table.name not in live:
            created.append(table.name)
            changes.append(words.create_table_sql(table))
            continue
        columns = _live_columns(statements, table)
        due, differences = _compare(statements, table, live[table.name], columns)
        if differences:
            problems.append(_problem(table, columns, differences, live))
        elif due:
            altered.append(table)
            changes.extend(due)
            if any(column.name not in columns for column in columns_of(table)):
                widened.append(table.name)
    if problems:
        raise Broken(_refusal(statements, problems), code="store.mirror_differs")
    unfilled = (*created, *widened)
    if is_changing and unfilled and before_filling is not None:
        before_filling(unfilled)
    if is_changing:
        for statement in changes:
            statements.run(statement)
        _wait_until_applied(statements, altered)
    if is_changing or not changes:
        _try_queries(statements, tables)
    return Verified(created=tuple(created), widened=tuple(widened), changes=tuple(changes))


def _live_tables(statements: Statements) -> dict[str, _LiveTable]:
    rows = msgspec.convert(statements.run(TABLES_SQL), list[_LiveTable])
    return {table.name.lower(): table for table in rows}


def _live_columns(statements: Statements, table: Table) -> dict[str, _LiveColumn]:
    rows = statements.run(
        f'SELECT "column", "type", "designated", "upsertKey" FROM table_columns({words.value_sql(table.name)})'
    )
    return {column.name.lower(): column for column in msgspec.convert(rows, list[_LiveColumn])}


def _compare(statements: Statements, table: Table, live: _LiveTable, columns: _Columns) -> tuple[list[str], list[str]]:
    statements_due: list[str] = []
    differences = _table_differences(table, live, columns)
    for column in columns_of(table):
        expected = words.quest_type(table, column)
        found = columns.get(column.name)
        if found is None and column.neutral is UNSET and _has_rows(statements, table):
            differences.append(_needs_a_value(column))
        elif found is None:
            statements_due.append(words.add_column_sql(table, column))
        elif found.kind != expected:
            differences.append(f"column {column.name} has type {found.kind}, expected {expected}")
    if not _is_kept_as_declared(table, live):
        statements_due.append(words.set_ttl_sql(table))
    return statements_due, differences


def _table_differences(table: Table, live: _LiveTable, columns: _Columns) -> list[str]:
    differences = []
    times = [name for name, column in columns.items() if column.is_time]
    if times != [table.time]:
        differences.append(f"its designated timestamp is {times[0] if times else 'none'}, expected {table.time}")
    if live.partition != table.partition:
        differences.append(f"it is partitioned by {live.partition}, expected {table.partition}")
    if not live.is_wal:
        differences.append("it has no write-ahead log (WAL), expected one")
    keys = {name for name, column in columns.items() if column.is_key} if live.has_dedup else set()
    expected = words.dedup_keys(table)
    if keys != set(expected):
        found = f"({', '.join(sorted(keys))})" if keys else "none"
        differences.append(f"its DEDUP UPSERT KEYS are {found}, expected ({', '.join(sorted(expected))})")
    return differences


def _is_kept_as_declared(table: Table, live: _LiveTable) -> bool:
    is_for_ever = live.ttl == 0 or (live.ttl_unit == "YEAR" and live.ttl >= words.FOR_EVER_YEARS)
    if table.ttl_days is None or is_for_ever:
        return table.ttl_days is None and is_for_ever
    return _HOURS.get(live.ttl_unit, 0) * live.ttl == table.ttl_days * 24


def _has_rows(statements: Statements, table: Table) -> bool:
    return bool(statements.run(f"SELECT 1 FROM {words.name_sql(table.name)} LIMIT 1"))


def _needs_a_value(column: Column) -> str:
    wanted = f"one of {', '.join(column.choices)}" if column.choices else "a value"
    return (
        f"column {column.name} is missing and nothing neutral can stand in its old rows, which need {wanted}; the "
        f"statement writes {words.value_sql(_stand_in(column))}, change it where that is not true"
    )


def _stand_in(column: Column) -> Scalar:
    if not isinstance(column.neutral, msgspec.UnsetType):
        return column.neutral
    return column.choices[0] if column.choices else "{}"


def _problem(table: Table, columns: _Columns, differences: list[str], live: Mapping[str, _LiveTable]) -> str:
    values = [_rebuilt_value(table, column, columns) for column in columns_of(table)]
    new, old = (_unused(f"{table.name}_{suffix}", live) for suffix in ("new", "old"))
    rebuild = ";\n".join(words.rebuild_sql(table, values, new=new, old=old))
    return f"Table {table.name}: {'; '.join(differences)}. Run:\n{rebuild};"


def _rebuilt_value(table: Table, column: Column, columns: _Columns) -> str:
    kind = words.quest_type(table, column)
    found = columns.get(column.name)
    if found is None and column.name == table.time:
        found = next((each for each in columns.values() if each.is_time), None)
    if found is None:
        stand_in = _stand_in(column)
        literal = words.value_sql(stand_in) if column.logical != "boolean" else str(bool(stand_in)).lower()
        return words.cast_sql(literal, kind)
    name = words.name_sql(found.name)
    return name if found.kind == kind else words.cast_sql(name, kind)


def _unused(name: str, live: Mapping[str, _LiveTable]) -> str:
    number = 1
    while (candidate := name if number == 1 else f"{name}{number}") in live:
        number += 1
    return candidate


def _refusal(statements: Statements, problems: list[str]) -> str:
    listed = "\n".join(problems)
    return (
        f"The tables of QuestDB at {statements.location} differ from what this version of papertape declares, and "
        "cannot be migrated without a decision of yours; nothing was changed. Run the statements below one after "
        "another, for example in QuestDB's web console, and start again; each old table stays under the name that "
        f"ends in _old.\n{listed}"
    )


def _wait_until_applied(statements: Statements, altered: Sequence[Table]) -> None:
    """Wait until the changes are there: the numbers of `wal_tables()` do not tell, they leave such changes out."""
    until = time.monotonic() + _APPLY_S
    while lagging := _lagging(statements, altered):
        suspended = {name for (name,) in statements.run(_SUSPENDED_SQL)}
        for name in (name for name in lagging if name in suspended):
            raise Unavailable(
                f"QuestDB at {statements.location} has suspended table {name}, so a change of it waits. Make room on "
                f"its disk, run ALTER TABLE {words.name_sql(name)} RESUME WAL and start again.",
                code="store.mirror_unapplied",
            )
        if time.monotonic() > until:
            raise Unavailable(
                f"QuestDB at {statements.location} has not applied a change of {', '.join(lagging)} within "
                f"{_APPLY_S:g} s. Look at its load and its log, and start again.",
                code="store.mirror_unapplied",
            )
        time.sleep(_POLL_S)


def _lagging(statements: Statements, altered: Sequence[Table]) -> list[str]:
    live = _live_tables(statements) if altered else {}
    return [
        live[table.name].name
        for table in altered
        if any(_compare(statements, table, live[table.name], _live_columns(statements, table)))
    ]


def _try_queries(statements: Statements, tables: Sequence[Table]) -> None:
    queries = {f"every column of {table.name}": words.select_sql(table, "LIMIT 0") for table in tables}
    if set(tables) >= set(MIRRORED_TABLES):
        queries |= named_questions()
        asked = {"transactions": TRANSACTIONS_SQL, "rows": ROWS_SQL, "sizes": SIZES_SQL}
        queries |= {name: f"{sql} LIMIT 0" for name, sql in asked.items()}
    for name, sql in queries.items():
        try:
            statements.run(sql)
        except Broken as error:
            raise Broken(
                f"The query {name!r} does not run on this QuestDB: {error.message}. Expected a server that papertape "
                "is tested with; see the documentation for its versions.",
                code="store.mirror_differs",
            ) from error
