"""SQLite's words for looking a journal over without changing it."""

from __future__ import annotations

from papertape.model.tables import SEGMENTS, SESSIONS, TAPE, Table
from papertape.store.sqlite_sql import quote, select_sql

TABLE_NAMES = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"
FREE_PAGES = "PRAGMA freelist_count"
PAGE_SIZE = "PRAGMA page_size"
INTEGRITY = "PRAGMA integrity_check(20)"
ALL_SEGMENTS = select_sql(SEGMENTS, f"ORDER BY {quote('session_id')}, {quote(SEGMENTS.column('first_seq'))}")
SESSIONS_BY_STATE = (
    f"SELECT {quote(SESSIONS.column('state'))}, COUNT(*) FROM {quote(SESSIONS.name)} "
    f"WHERE ({quote('session_id')}, {quote(SESSIONS.column('revision'))}) IN "
    f"(SELECT {quote('session_id')}, MAX({quote(SESSIONS.column('revision'))}) FROM {quote(SESSIONS.name)} "
    f"GROUP BY {quote('session_id')}) GROUP BY 1 ORDER BY 1"
)
LAST_SEQ_BY_SESSION = (
    f"SELECT {quote('session_id')}, MAX(last) FROM ("
    f"SELECT {quote('session_id')}, MAX({quote(TAPE.column('last_seq'))}) AS last FROM {quote(TAPE.name)} GROUP BY 1 "
    f"UNION ALL SELECT {quote('session_id')}, MAX({quote(SEGMENTS.column('last_seq'))}) FROM {quote(SEGMENTS.name)} "
    f"GROUP BY 1) GROUP BY 1 ORDER BY 1"
)


def count_sql(table: Table) -> str:
    """Return the query of how many rows a table has."""
    return f"SELECT COUNT(*) FROM {quote(table.name)}"


def edge_sql(table: Table, *, is_newest: bool) -> str:
    """Return the query of the time of the first or last row in the order of commits."""
    order = "DESC" if is_newest else "ASC"
    return f"SELECT {quote(table.column(table.time))} FROM {quote(table.name)} ORDER BY rowid {order} LIMIT 1"


def newest_place_sql(table: Table) -> str:
    """Return the query of the place of the newest row, NULL where there is none."""
    return f"SELECT MAX(rowid) FROM {quote(table.name)}"
