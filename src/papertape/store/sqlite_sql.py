"""SQLite's words for the declared tables: DDL, inserts and the named queries, all derived."""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from papertape.model.tables import (
    EVENT_TABLES,
    SAMPLES,
    SEGMENTS,
    SESSIONS,
    TABLES,
    TAPE,
    VIEWS,
    WATERMARKS,
    Table,
)
from papertape.store.schema import Column, Logical, Scalar, columns_of

SQLITE_TYPES: dict[Logical, str] = {
    "integer": "INTEGER",
    "real": "REAL",
    "text": "TEXT",
    "boolean": "INTEGER",
    "bytes": "BLOB",
    "decimal": "TEXT",
    "json": "TEXT",
}


def quote(name: str) -> str:
    """Return a name as an SQL identifier."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def names_sql(names: Sequence[str]) -> str:
    """Return names as a list of SQL identifiers."""
    return ", ".join(quote(name) for name in names)


def quote_value(value: Scalar) -> str:
    """Return a value as an SQL literal."""
    return apsw.format_sql_value(value)


def column_sql(column: Column) -> str:
    """Return the declaration of one column, without a default."""
    nullability = "" if column.is_nullable else " NOT NULL"
    return f"{quote(column.name)} {SQLITE_TYPES[column.logical]}{nullability}"


def create_table_sql(table: Table) -> str:
    """Return the DDL of a table."""
    columns = ", ".join(column_sql(column) for column in columns_of(table))
    return f"CREATE TABLE {quote(table.name)} ({columns}, PRIMARY KEY ({names_sql(table.key)})) STRICT"


def add_column_sql(table: Table, column: Column, default: Scalar) -> str:
    """Return the statement that adds a column; old rows get `default`."""
    suffix = "" if default is None else f" DEFAULT {quote_value(default)}"
    return f"ALTER TABLE {quote(table.name)} ADD COLUMN {column_sql(column)}{suffix}"


def insert_sql(table: Table, *, is_replacing: bool = False) -> str:
    """Return the statement that inserts one row, one parameter a column."""
    columns = columns_of(table)
    verb = "INSERT OR REPLACE" if is_replacing else "INSERT"
    marks = ", ".join("?" * len(columns))
    return f"{verb} INTO {quote(table.name)} ({names_sql([column.name for column in columns])}) VALUES ({marks})"


def select_sql(table: Table, tail: str) -> str:
    """Return a query of every declared column, followed by `tail`."""
    return f"SELECT {names_sql([column.name for column in columns_of(table)])} FROM {quote(table.name)} {tail}"


def events_sql(table: Table, filters: Sequence[str], *, is_newest_first: bool) -> str:
    """Return the query of one event table; the value of filter column `i` is bound as `:f{i}`."""
    seq = quote(table.column("seq"))
    conditions = "".join(f" AND {quote(table.column(name))} = :f{index}" for index, name in enumerate(filters))
    order = "DESC" if is_newest_first else "ASC"
    return select_sql(
        table,
        f"WHERE {quote('session_id')} = :session_id AND {seq} > :after AND {seq} <= :until{conditions} "
        f"ORDER BY {seq} {order} LIMIT :limit",
    )


def _newest_revision(condition: str) -> str:
    session_id, revision = quote(SESSIONS.column("session_id")), quote(SESSIONS.column("revision"))
    created = quote(SESSIONS.column("created_ts"))
    return select_sql(
        SESSIONS,
        f"WHERE ({session_id}, {revision}) IN (SELECT {session_id}, MAX({revision}) FROM {quote(SESSIONS.name)} "
        f"{condition} GROUP BY {session_id}) ORDER BY {created} DESC, {session_id} DESC LIMIT :limit",
    )


def _newest_seq(table: Table, column: str, order: str) -> str:
    return (
        f"SELECT {quote(table.column(column))} FROM {quote(table.name)} WHERE {quote('session_id')} = :session_id "
        f"ORDER BY {quote(table.column(order))} DESC LIMIT :limit"
    )


SESSION = _newest_revision(f"WHERE {quote('session_id')} = :session_id")
SESSION_LIST = _newest_revision("")
SESSION_BY_KEY = _newest_revision(f"WHERE {quote(SESSIONS.column('idempotency_key'))} = :key")
BATCHES = select_sql(
    TAPE,
    f"WHERE {quote('session_id')} = :session_id AND {quote(TAPE.column('first_seq'))} > :after "
    f"ORDER BY {quote(TAPE.column('first_seq'))} LIMIT :limit",
)
LAST_ENTRY = _newest_seq(TAPE, "last_seq", "first_seq")
ENTRY_BEFORE = (
    f"SELECT {quote(TAPE.column('last_seq'))} FROM {quote(TAPE.name)} WHERE {quote('session_id')} = :session_id "
    f"AND {quote(TAPE.column('first_seq'))} <= :after ORDER BY {quote(TAPE.column('first_seq'))} DESC LIMIT :limit"
)
SAVED_VIEWS = select_sql(VIEWS, f"WHERE {quote('session_id')} = :session_id LIMIT :limit")
LAST_EVENT: dict[str, str] = {table.name: _newest_seq(table, "seq", "seq") for table in EVENT_TABLES}

OUTBOX_TABLES: tuple[Table, ...] = (SESSIONS, *EVENT_TABLES, TAPE, SAMPLES)
"""What a copy elsewhere is fed from."""
_PLACE = quote("rowid")
NEWEST_PLACES = (
    f"SELECT {', '.join(f'(SELECT MAX({_PLACE}) FROM {quote(table.name)})' for table in OUTBOX_TABLES)} LIMIT :limit"
)
FORGET_AHEAD = tuple(
    f"UPDATE {quote(WATERMARKS.name)} SET {quote(WATERMARKS.column('acknowledged'))} = 0 "
    f"WHERE {quote(WATERMARKS.column('source'))} = {quote_value(table.name)} AND "
    f"{quote(WATERMARKS.column('acknowledged'))} > (SELECT COALESCE(MAX({_PLACE}), 0) FROM {quote(table.name)})"
    for table in OUTBOX_TABLES
)
"""Forgets watermarks beyond the newest row: of a journal that lost rows, whose places will be given out again."""
ROWS_ABOVE: dict[str, str] = {
    table.name: (
        f"SELECT {_PLACE}, {names_sql([column.name for column in columns_of(table)])} FROM {quote(table.name)} "
        f"WHERE {_PLACE} > :after AND {_PLACE} <= :until ORDER BY {_PLACE} LIMIT :limit"
    )
    for table in OUTBOX_TABLES
}
SEGMENTS_ABOVE = select_sql(
    SEGMENTS,
    f"WHERE {quote(SEGMENTS.column('last_row'))} > :after AND {quote(SEGMENTS.column('removed_ts'))} IS NULL "
    f"ORDER BY {quote(SEGMENTS.column('last_row'))} LIMIT :limit",
)
_LAST_SEQ, _FIRST_SEQ = quote(SEGMENTS.column("last_seq")), quote(SEGMENTS.column("first_seq"))
_OF_SESSION = f"{quote('session_id')} = :session_id"
SEGMENTS_AFTER = select_sql(
    SEGMENTS, f"WHERE {_OF_SESSION} AND {_LAST_SEQ} > :after ORDER BY {_FIRST_SEQ} LIMIT :limit"
)
SEGMENT_BEFORE = select_sql(
    SEGMENTS, f"WHERE {_OF_SESSION} AND {_FIRST_SEQ} <= :after ORDER BY {_FIRST_SEQ} DESC LIMIT :limit"
)
ALL_SEGMENTS = select_sql(SEGMENTS, f"ORDER BY {quote(SEGMENTS.column('first_row'))} LIMIT :limit")
SEALABLE = (
    f"SELECT {_PLACE}, {names_sql([column.name for column in columns_of(TAPE)])} FROM {quote(TAPE.name)} "
    f"WHERE {_OF_SESSION} AND {quote(TAPE.column('first_seq'))} > :after AND {_PLACE} <= :until "
    f"ORDER BY {quote(TAPE.column('first_seq'))} LIMIT :limit"
)
"""A session's batches after a seq, each with its place, up to a place."""
NEWEST_SESSION_PLACE = f"SELECT MAX({_PLACE}) FROM {quote(SESSIONS.name)} LIMIT :limit"
NEWEST_TAPE_PLACE = f"SELECT MAX({_PLACE}) FROM {quote(TAPE.name)} LIMIT :limit"
TAPE_SESSIONS = (
    f"WITH RECURSIVE found(id) AS (SELECT MIN({quote('session_id')}) FROM {quote(TAPE.name)} UNION ALL "
    f"SELECT (SELECT MIN({quote('session_id')}) FROM {quote(TAPE.name)} WHERE {quote('session_id')} > found.id) "
    "FROM found WHERE found.id IS NOT NULL) SELECT id FROM found WHERE id IS NOT NULL LIMIT :limit"
)
"""The sessions that have batches in the tape: one step of its index for each."""
MIRROR_WATERMARKS = select_sql(WATERMARKS, f"WHERE {quote(WATERMARKS.column('mirror'))} = :key LIMIT :limit")


def _session_records(table: Table) -> str:
    place = quote(table.column(table.key[1]))
    condition = f"{quote('session_id')} = :session_id AND {place} > :after"
    return select_sql(table, f"WHERE {condition} ORDER BY {place} LIMIT :limit")


SESSION_RECORDS: dict[str, str] = {table.name: _session_records(table) for table in (SESSIONS, SAMPLES, *EVENT_TABLES)}
"""What a session left in a table, after a place in the order of the table's key."""
NEWEST_SAMPLES = select_sql(
    SAMPLES,
    f"WHERE {quote('session_id')} = :session_id AND {quote(SAMPLES.column('entry_seq'))} < :until "
    f"ORDER BY {quote(SAMPLES.column('entry_seq'))} DESC LIMIT :limit",
)

INSERTS: dict[str, str] = {table.name: insert_sql(table) for table in TABLES}
REPLACE_WATERMARK = insert_sql(WATERMARKS, is_replacing=True)
REPLACE_VIEWS = insert_sql(VIEWS, is_replacing=True)
DELETE_SEALED = (
    f"DELETE FROM {quote(TAPE.name)} WHERE {quote('session_id')} = ? "
    f"AND {quote(TAPE.column('first_seq'))} BETWEEN ? AND ? AND {_PLACE} BETWEEN ? AND ?"
)
DELETE_SEGMENT = f"DELETE FROM {quote(SEGMENTS.name)} WHERE {quote('session_id')} = ? AND {_FIRST_SEQ} = ?"
MARK_REMOVED = (
    f"UPDATE {quote(SEGMENTS.name)} SET {quote(SEGMENTS.column('removed_ts'))} = ? "
    f"WHERE {quote('session_id')} = ? AND {quote(SEGMENTS.column('removed_ts'))} IS NULL"
)
DELETE_VIEWS = f"DELETE FROM {quote(VIEWS.name)} WHERE {quote(VIEWS.column('session_id'))} = ?"


def named_queries() -> dict[str, str]:
    """Return every query the driver runs by name, so that each can be tried at start."""
    queries = {
        "session": SESSION,
        "session list": SESSION_LIST,
        "session by idempotency key": SESSION_BY_KEY,
        "batches": BATCHES,
        "last entry": LAST_ENTRY,
        "entry before": ENTRY_BEFORE,
        "saved views": SAVED_VIEWS,
        "newest places": NEWEST_PLACES,
        "segments above a place": SEGMENTS_ABOVE,
        "segments after a seq": SEGMENTS_AFTER,
        "segment before a seq": SEGMENT_BEFORE,
        "all segments": ALL_SEGMENTS,
        "batches to seal": SEALABLE,
        "newest place of the sessions": NEWEST_SESSION_PLACE,
        "newest place of the tape": NEWEST_TAPE_PLACE,
        "sessions on the tape": TAPE_SESSIONS,
        "watermarks of a mirror": MIRROR_WATERMARKS,
    }
    for table in OUTBOX_TABLES:
        queries[f"{table.name} above a place"] = ROWS_ABOVE[table.name]
    queries["newest samples"] = NEWEST_SAMPLES
    for name, query in SESSION_RECORDS.items():
        queries[f"{name} of a session"] = query
    for table in EVENT_TABLES:
        queries[f"last event of {table.name}"] = LAST_EVENT[table.name]
        queries[f"{table.name}, oldest first"] = events_sql(table, (), is_newest_first=False)
        queries[f"{table.name}, newest first"] = events_sql(table, (), is_newest_first=True)
    return queries
