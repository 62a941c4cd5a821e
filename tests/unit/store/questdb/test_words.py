"""QuestDB's DDL and column lists derive from the declaration, which may hold only what QuestDB can."""

from __future__ import annotations

import msgspec
import pytest

from papertape.errors import Broken
from papertape.model.tables import BARS, MIRRORED_TABLES, SIGNALS, TAPE, TRADES, Table
from papertape.store.questdb import words
from papertape.store.schema import columns_of


def test_the_ddl_of_signals_is_made_of_declared_columns() -> None:
    assert words.create_table_sql(SIGNALS) == (
        'CREATE TABLE "signals" ("session_id" SYMBOL CAPACITY 1024 CACHE, "seq" LONG, "ts" TIMESTAMP, '
        '"entry_seq" LONG, "strategy" SYMBOL CAPACITY 1024 CACHE, "instrument" SYMBOL CAPACITY 1024 CACHE, '
        '"section" SYMBOL CAPACITY 16 CACHE, "side" SYMBOL CAPACITY 16 CACHE, "price" DOUBLE, "outcome" VARCHAR, '
        '"reason" VARCHAR, "trace" VARCHAR) TIMESTAMP("ts") PARTITION BY MONTH WAL '
        'DEDUP UPSERT KEYS("ts", "session_id", "seq")'
    )


def test_a_table_kept_for_days_says_so_and_large_series_have_room() -> None:
    ddl = words.create_table_sql(TRADES)
    assert ddl.endswith(
        ' TIMESTAMP("ts") PARTITION BY DAY TTL 90 DAYS WAL DEDUP UPSERT KEYS("ts", "session_id", "seq")'
    )
    assert '"series" SYMBOL CAPACITY 16384 CACHE' in ddl
    assert '"recv_ts" LONG' in ddl


def test_keys_are_named_once() -> None:
    assert words.dedup_keys(BARS) == ("ts", "series")
    for table in MIRRORED_TABLES:
        assert len(set(words.dedup_keys(table))) == len(words.dedup_keys(table))


def test_every_column_is_selected_by_name_and_the_time_as_a_number() -> None:
    assert words.select_sql(BARS, "LIMIT 0") == (
        'SELECT "session_id", cast("ts" AS LONG), "series", "instrument", "interval_s", "open", "high", "low", '
        '"close", "volume" FROM "bars" LIMIT 0'
    )


def test_texts_and_names_are_quoted() -> None:
    assert words.name_sql('a"b') == '"a""b"'
    assert [words.value_sql(value) for value in ("it's", 1, 0.5, None)] == ["'it''s'", "1", "0.5", "NULL"]
    with pytest.raises(Broken, match="no literal"):
        words.value_sql(b"")


def test_an_old_row_reads_the_neutral_value_of_a_later_column() -> None:
    names = [column.name for column in columns_of(SIGNALS)]
    row = words.row_of(SIGNALS, [None] * len(names))
    assert dict(zip(names, row, strict=True)) == {
        "session_id": None,
        "seq": 0,
        "ts": 0,
        "entry_seq": 0,
        "strategy": "",
        "instrument": "",
        "section": None,
        "side": None,
        "price": None,
        "outcome": "",
        "reason": "",
        "trace": "[]",
    }


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    session_id: str
    ts: int
    maybe_ts: int | None
    payload: bytes = b""


class _Flag(msgspec.Struct, frozen=True, kw_only=True):
    session_id: str
    ts: int
    is_good: bool | None


class _On(msgspec.Struct, frozen=True, kw_only=True):
    session_id: str
    ts: int
    is_on: bool = True


@pytest.mark.parametrize(
    ("table", "why"),
    [
        (Table(name="x", record=_Row, key=("session_id",)), "payload holds bytes"),
        (Table(name="x", record=_Flag, key=("session_id",)), "is_good is a boolean that may be unset"),
        (Table(name="x", record=_On, key=("session_id",)), "is_on is a boolean that may be unset"),
        (Table(name="x", record=_Row, key=("session_id",), time="maybe_ts"), "maybe_ts is a key or the time"),
        (Table(name="x", record=_Row, key=("session_id",), ttl_days=3), "needs partitions of a day"),
        (TAPE, "ts is a key or the time"),
    ],
)
def test_what_questdb_cannot_hold_is_not_mirrored(table: Table, why: str) -> None:
    with pytest.raises(Broken, match=why):
        words.check_mirrored([table])
