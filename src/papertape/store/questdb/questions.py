"""What QuestDB is asked about a session's past: the texts of its queries, derived from the declaration.

Values are bound (`$1` …), names come from the declaration alone. Rows of one time stand in no certain order in a table
that was filled out of order, so nothing here relies on it: `arg_min` and `arg_max` over seq, not `first` and `last`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from papertape.model.tables import EVENT_TABLES, INDICATOR_VALUES, QUOTES, SESSIONS, SIGNALS, TRADES, Table
from papertape.store.questdb.words import micros_sql, name_sql, select_sql


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A query, and a literal for each of its parameters, so that it can be tried where nothing can be bound."""

    sql: str
    literals: tuple[str, ...]

    @property
    def tried(self) -> str:
        """The query with literals for its parameters; it finds no row."""
        text = self.sql
        for index, literal in reversed(list(enumerate(self.literals, 1))):
            text = text.replace(f"${index}", literal)
        return text


_TEXT, _NUMBER, _NONE = "''", "0", "0"


def _value_sql(table: Table, name: str) -> str:
    column = table.column(name)
    return micros_sql(column) if column == table.time else name_sql(column)


def _moment(parameter: int) -> str:
    return f"cast(cast(${parameter} AS LONG) AS TIMESTAMP)"


def events(table: Table, filters: Sequence[str], *, is_newest_first: bool) -> Question:
    """Return the query of one event table: $1 session, $2 after, $3 until, $4 limit, $5 … the filters' values."""
    seq = name_sql(table.column("seq"))
    conditions = "".join(f" AND {_value_sql(table, name)} = ${index}" for index, name in enumerate(filters, 5))
    order = "DESC" if is_newest_first else "ASC"
    return Question(
        sql=select_sql(
            table,
            f"WHERE {name_sql('session_id')} = $1 AND {seq} > $2 AND {seq} <= $3{conditions} "
            f"ORDER BY {seq} {order} LIMIT $4",
        ),
        literals=(_TEXT, _NUMBER, _NUMBER, _NONE),
    )


def bars(interval_s: int) -> Question:
    """Return the query of the newest bars: $1 10**size_decimals, $2 session, $3 instrument, $4 … $5 span, $6 limit.

    A volume is the sum of the sizes turned back into integers, which is exact in whatever order it is added.
    """
    seq, price, size, ts = (name_sql(TRADES.column(name)) for name in ("seq", "price", "size", "ts"))
    return Question(
        sql=f"SELECT cast({ts} AS LONG), opened, high, low, closed, volume FROM (SELECT {ts}, "
        f"arg_min({price}, {seq}) AS opened, max({price}) AS high, min({price}) AS low, "
        f"arg_max({price}, {seq}) AS closed, sum(cast(round({size} * cast($1 AS DOUBLE)) AS LONG)) AS volume "
        f"FROM {name_sql(TRADES.name)} WHERE {name_sql('session_id')} = $2 "
        f"AND {name_sql(TRADES.column('instrument'))} = $3 AND {ts} >= {_moment(4)} AND {ts} < {_moment(5)} "
        f"SAMPLE BY {int(interval_s)}s ALIGN TO CALENDAR) ORDER BY {ts} DESC LIMIT $6",
        literals=("1", _TEXT, _TEXT, _NUMBER, _NUMBER, _NONE),
    )


def last_trade() -> Question:
    """Return the query of when an instrument's last trade was: $1 session, $2 instrument, $3 limit."""
    ts = name_sql(TRADES.column("ts"))
    return Question(
        sql=f"SELECT cast({ts} AS LONG) FROM {name_sql(TRADES.name)} WHERE {name_sql('session_id')} = $1 "
        f"AND {name_sql(TRADES.column('instrument'))} = $2 ORDER BY {ts} DESC LIMIT $3",
        literals=(_TEXT, _TEXT, _NONE),
    )


def indicator_values() -> Question:
    """Return the query of one indicator: $1 session, $2 strategy, $3 instrument, $4 name, $5 … $6 span, $7 limit."""
    ts = name_sql(INDICATOR_VALUES.time)
    equal = " AND ".join(
        f"{name_sql(INDICATOR_VALUES.column(name))} = ${index}"
        for index, name in enumerate(("session_id", "strategy", "instrument", "indicator"), 1)
    )
    return Question(
        sql=select_sql(
            INDICATOR_VALUES,
            f"WHERE {equal} AND {ts} >= {_moment(5)} AND {ts} < {_moment(6)} ORDER BY {ts} DESC LIMIT $7",
        ),
        literals=(_TEXT, _TEXT, _TEXT, _TEXT, _NUMBER, _NUMBER, _NONE),
    )


def latest_values() -> Question:
    """Return the query of the newest sample of each series: $1 session, $2 limit."""
    return Question(
        sql=select_sql(
            INDICATOR_VALUES,
            f"WHERE {name_sql('session_id')} = $1 LATEST ON {name_sql(INDICATOR_VALUES.time)} "
            f"PARTITION BY {name_sql(INDICATOR_VALUES.column('series'))} LIMIT $2",
        ),
        literals=(_TEXT, _NONE),
    )


def quote_times() -> Question:
    """Return the query of when the newest quote was at each signal: $1 session, $2 first and $3 last seq, $4 limit.

    Answers the signal's seq and the quote's time, null where there is none. Which of several quotes of that time an
    `ASOF JOIN` takes depends on how they lie in the table, so the quote itself is asked for afterwards.
    """
    ts, seq, instrument, session = (
        name_sql(SIGNALS.column(name)) for name in ("ts", "seq", "instrument", "session_id")
    )
    quoted, quoted_on = name_sql(QUOTES.column("ts")), name_sql(QUOTES.column("instrument"))
    return Question(
        sql=f"SELECT s.{seq}, cast(q.{quoted} AS LONG) FROM (SELECT {ts}, {seq}, {instrument} "
        f"FROM {name_sql(SIGNALS.name)} WHERE {session} = $1 AND {seq} >= $2 AND {seq} <= $3) s "
        f"ASOF JOIN (SELECT {quoted}, {quoted_on} FROM {name_sql(QUOTES.name)} WHERE {session} = $1) q "
        f"ON ({instrument}) LIMIT $4",
        literals=(_TEXT, _NUMBER, _NUMBER, _NONE),
    )


def quotes_at(count: int) -> Question:
    """Return the query of the quotes at `count` times: $1 session, $2 limit, $3 … the times."""
    times = ", ".join(_moment(index) for index in range(3, count + 3))
    return Question(
        sql=select_sql(
            QUOTES, f"WHERE {name_sql('session_id')} = $1 AND {name_sql(QUOTES.column('ts'))} IN ({times}) LIMIT $2"
        ),
        literals=(_TEXT, _NONE, *([_NUMBER] * count)),
    )


def session_row() -> Question:
    """Return the query of a session's newest revision: $1 session, $2 limit."""
    return Question(
        sql=select_sql(
            SESSIONS,
            f"WHERE {name_sql('session_id')} = $1 ORDER BY {name_sql(SESSIONS.column('revision'))} DESC LIMIT $2",
        ),
        literals=(_TEXT, _NONE),
    )


def anything() -> Question:
    """Return a query that every server answers, whatever tables it has."""
    return Question(sql="SELECT 1", literals=())


def named_questions() -> dict[str, str]:
    """Return every query by name, as a text that runs without parameters and finds nothing, so that each can be tried.

    A query that names a column or function the server does not have fails here, before anybody asks.
    """
    questions = {
        "bars of an instrument": bars(60),
        "last trade of an instrument": last_trade(),
        "values of an indicator": indicator_values(),
        "latest values": latest_values(),
        "quote times of signals": quote_times(),
        "quotes at a time": quotes_at(2),
        "session": session_row(),
    }
    for table in EVENT_TABLES:
        questions[f"{table.name}, oldest first"] = events(table, (), is_newest_first=False)
        questions[f"{table.name}, newest first"] = events(table, (), is_newest_first=True)
    return {name: question.tried for name, question in questions.items()}
