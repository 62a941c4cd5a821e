"""The stored shape derives from the declaration: columns, and the coding of rows."""

from __future__ import annotations

import random
import sqlite3
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from papertape.errors import Broken
from papertape.model.tables import FILLS, SESSION_EVENTS, SESSIONS, SIGNALS, TABLES, TAPE, TRANSITIONS, Table
from papertape.store.schema import CODECS, Column, columns_of
from papertape.store.sqlite_sql import create_table_sql, insert_sql, named_queries
from papertape.testkit.record_samples import sample
from papertape.testkit.store_contract import SESSION, signal


def test_the_columns_of_signals_are_those_of_the_record() -> None:
    assert [(column.name, column.logical, column.is_nullable) for column in columns_of(SIGNALS)] == [
        ("session_id", "text", False),
        ("seq", "integer", False),
        ("ts", "integer", False),
        ("entry_seq", "integer", False),
        ("strategy", "text", False),
        ("instrument", "text", False),
        ("section", "text", False),
        ("side", "text", True),
        ("price", "real", True),
        ("outcome", "text", False),
        ("reason", "text", False),
        ("trace", "json", False),
    ]


def test_every_logical_type_is_recognised() -> None:
    found = {(table.name, column.name): column for table in TABLES for column in columns_of(table)}
    assert found["fills", "price"] == Column(name="price", logical="decimal", is_nullable=False, neutral="0")
    assert found["tape", "payload"] == Column(name="payload", logical="bytes", is_nullable=False, neutral=b"")
    assert found["tape", "is_warmup"] == Column(name="is_warmup", logical="boolean", is_nullable=False, neutral=0)
    assert found["sessions", "plan"] == Column(name="plan", logical="json", is_nullable=False)
    assert found["signals", "side"].choices == ("buy", "sell")
    assert {column.logical for column in found.values()} == {
        "integer",
        "real",
        "text",
        "boolean",
        "bytes",
        "decimal",
        "json",
    }


def test_the_ddl_is_made_of_declared_columns() -> None:
    assert create_table_sql(TAPE) == (
        'CREATE TABLE "tape" ("session_id" TEXT NOT NULL, "first_seq" INTEGER NOT NULL, "last_seq" INTEGER NOT NULL, '
        '"is_warmup" INTEGER NOT NULL, "payload" BLOB NOT NULL, PRIMARY KEY ("session_id", "first_seq")) STRICT'
    )
    assert insert_sql(TAPE) == (
        'INSERT INTO "tape" ("session_id", "first_seq", "last_seq", "is_warmup", "payload") VALUES (?, ?, ?, ?, ?)'
    )


def test_no_query_asks_for_all_columns() -> None:
    assert [name for name, query in named_queries().items() if "*" in query] == []


def test_a_column_is_described_as_its_field_declares_it() -> None:
    assert columns_of(SIGNALS)[7] == Column(
        name="side", logical="text", is_nullable=True, choices=("buy", "sell"), neutral=None
    )


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
@settings(max_examples=60, deadline=None)
@given(chance=st.randoms(use_true_random=False))
def test_any_record_is_coded_and_decoded_equal(table: Table, chance: random.Random) -> None:
    record = sample(table.record, chance)
    if "session_id" in table.record.__struct_fields__:
        record = msgspec.structs.replace(record, session_id=SESSION)
    codec = CODECS[table.name]
    row = codec.encode(SESSION, record)
    assert codec.decode(row) == record
    assert all(isinstance(value, int | float | str | bytes | None) for value in row)


def test_money_is_stored_as_exact_text() -> None:
    fill = sample(FILLS.record, random.Random(1))
    fill = msgspec.structs.replace(fill, price=Decimal("0.10"))
    names = [column.name for column in columns_of(FILLS)]
    assert CODECS[FILLS.name].encode(SESSION, fill)[names.index("price")] == "0.10"


@pytest.mark.parametrize(
    ("column", "value"), [("side", "bye"), ("price", "high"), ("trace", "{"), ("trace", '[{"path": 1}]'), ("seq", None)]
)
def test_a_row_with_a_wrong_value_is_named_by_table_and_key(column: str, value: str | None) -> None:
    codec = CODECS[SIGNALS.name]
    row = list(codec.encode(SESSION, signal(7)))
    row[[each.name for each in codec.columns].index(column)] = value
    with pytest.raises(Broken, match=f"row of table signals with session_id '{SESSION}', seq (7|None) cannot") as found:
        codec.decode(row)
    assert found.value.code == "store.undecodable_row"


def test_a_flag_that_is_neither_0_nor_1_is_refused() -> None:
    codec = CODECS[SESSION_EVENTS.name]
    row = [2 if column.logical == "boolean" else "" for column in codec.columns]
    with pytest.raises(Broken, match="session_events"):
        codec.decode(row)


@pytest.mark.parametrize("table", [SESSIONS, TRANSITIONS], ids=lambda table: table.name)
def test_rows_can_be_read_by_any_sqlite(table: Table) -> None:
    plain = sqlite3.connect(":memory:")
    plain.execute(create_table_sql(table).removesuffix(" STRICT"))
    row = CODECS[table.name].encode(SESSION, sample(table.record, random.Random(5)))
    plain.execute(insert_sql(table), row)
    names = ", ".join(column.name for column in columns_of(table))
    assert plain.execute(f"SELECT {names} FROM {table.name}").fetchall() == [row]
    plain.close()
