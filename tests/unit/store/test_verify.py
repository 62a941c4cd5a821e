"""The live tables against the declaration: what is added, what is refused, and that the refusal's cure works."""

from __future__ import annotations

from pathlib import Path

import apsw
import msgspec
import pytest

from papertape.errors import Broken
from papertape.model.entries import Side
from papertape.model.events import ConditionReading
from papertape.model.tables import MARKET_TABLES, SIGNALS, TABLES, Table
from papertape.store.commit_count import count_file
from papertape.store.folder import open_folder
from papertape.store.schema import CODECS, RowCodec, columns_of
from papertape.store.sqlite import open_store
from papertape.store.sqlite_sql import create_table_sql, insert_sql, select_sql
from papertape.store.verify import verify_tables
from papertape.testkit.store_contract import SESSION, facts, signal, write


def _clock() -> int:
    return 0


@pytest.fixture
def database(tmp_path: Path) -> Path:
    folder = open_folder(tmp_path)
    store = open_store(folder, _clock)
    write(store, facts(SESSION, signal(1), signal(2, side="buy")))
    store.close()
    folder.close()
    return folder.database


def run(database: Path, *statements: str) -> None:
    connection = apsw.Connection(str(database))
    for statement in statements:
        connection.execute(statement).fetchall()
    connection.close()


def run_losing_rows(database: Path, *statements: str) -> None:
    """Change the database by hand in a way that removes rows, and say so as the desk asks for it."""
    run(database, *statements)
    count_file(database).unlink()


def read_signals(database: Path) -> list[object]:
    folder = open_folder(database.parent)
    try:
        store = open_store(folder, _clock)
        try:
            return list(store.events(SIGNALS, SESSION))
        finally:
            store.close()
    finally:
        folder.close()


def cure(error: Broken) -> str:
    return error.message.rsplit("Run:\n", 1)[1]


def test_a_signals_table_without_side_gets_it_and_old_rows_are_read(database: Path) -> None:
    run(database, "ALTER TABLE signals DROP COLUMN side")
    assert read_signals(database) == [signal(1, side=None), signal(2, side=None)]


def test_a_column_added_to_an_old_table_takes_new_values(database: Path) -> None:
    run(database, "ALTER TABLE signals DROP COLUMN side", "ALTER TABLE signals DROP COLUMN reason")
    folder = open_folder(database.parent)
    store = open_store(folder, _clock)
    write(store, facts(SESSION, signal(3)))
    assert store.events(SIGNALS, SESSION, after=1) == [signal(2, side=None, reason=""), signal(3)]
    store.close()
    folder.close()


def test_a_second_look_changes_nothing(database: Path) -> None:
    connection = apsw.Connection(str(database))
    assert verify_tables(connection) == []
    connection.close()


def test_missing_tables_are_created(database: Path) -> None:
    run(database, "DROP TABLE fills", "DROP TABLE alerts")
    connection = apsw.Connection(str(database))
    assert [statement.split(" (")[0] for statement in verify_tables(connection)] == [
        'CREATE TABLE "fills"',
        'CREATE TABLE "alerts"',
    ]
    connection.close()


def test_a_changed_type_is_refused_and_the_given_statement_cures_it(database: Path) -> None:
    run(
        database,
        "ALTER TABLE signals RENAME COLUMN price TO was",
        "ALTER TABLE signals ADD COLUMN price TEXT",
        "UPDATE signals SET price = CAST(was AS TEXT)",
        "ALTER TABLE signals DROP COLUMN was",
    )
    with pytest.raises(Broken, match="column price has type TEXT, expected REAL") as refusal:
        read_signals(database)
    assert "nothing was changed" in refusal.value.message
    run(database, cure(refusal.value))
    assert read_signals(database) == [signal(1), signal(2, side="buy")]


def test_the_given_statement_leaves_each_row_at_its_place_when_older_ones_were_sealed(database: Path) -> None:
    run(
        database,
        "DELETE FROM signals WHERE seq = 1",  # as sealing does with old rows of the tape
        "ALTER TABLE signals RENAME COLUMN price TO was",
        "ALTER TABLE signals ADD COLUMN price TEXT",
        "UPDATE signals SET price = CAST(was AS TEXT)",
        "ALTER TABLE signals DROP COLUMN was",
    )
    with pytest.raises(Broken, match="column price has type TEXT, expected REAL") as refusal:
        read_signals(database)
    run(database, cure(refusal.value))
    assert read_signals(database) == [signal(2, side="buy")]


def test_a_column_that_must_not_be_null_but_is_declared_so_is_refused_and_cured(database: Path) -> None:
    strict = create_table_sql(SIGNALS).replace('"side" TEXT', '"side" TEXT NOT NULL').replace('"signals"', '"other"', 1)
    copy = "INSERT INTO other SELECT * FROM signals"
    run(database, strict, copy, "DROP TABLE signals", "ALTER TABLE other RENAME TO signals")
    with pytest.raises(Broken, match="column side is NOT NULL, expected to allow NULL") as refusal:
        read_signals(database)
    run(database, cure(refusal.value))
    assert read_signals(database) == [signal(1), signal(2, side="buy")]


def test_nulls_where_none_may_be_are_refused_and_cured(database: Path) -> None:
    run(
        database,
        "ALTER TABLE signals DROP COLUMN reason",
        "ALTER TABLE signals ADD COLUMN reason TEXT",
    )
    with pytest.raises(Broken, match="column reason holds NULL in some rows, expected NOT NULL") as refusal:
        read_signals(database)
    run(database, cure(refusal.value))
    assert read_signals(database) == [signal(1, reason=""), signal(2, side="buy", reason="")]


def test_a_missing_column_without_a_neutral_value_is_refused_and_cured(database: Path) -> None:
    run(database, "ALTER TABLE signals DROP COLUMN section")
    with pytest.raises(
        Broken, match="column section is missing and nothing neutral can stand in its old rows"
    ) as refusal:
        read_signals(database)
    run(database, cure(refusal.value))
    assert read_signals(database) == [signal(1, section="E1"), signal(2, section="E1", side="buy")]


def test_the_same_missing_column_is_added_when_no_row_needs_it(database: Path) -> None:
    run_losing_rows(database, "DELETE FROM signals", "ALTER TABLE signals DROP COLUMN section")
    assert read_signals(database) == []


def test_an_undeclared_column_that_every_row_needs_is_refused_and_cured(database: Path) -> None:
    strict = create_table_sql(SIGNALS).replace('"side" TEXT', '"side" TEXT, "colour" TEXT NOT NULL')
    run_losing_rows(database, "DROP TABLE signals", strict)
    with pytest.raises(Broken, match="column colour is not declared") as refusal:
        read_signals(database)
    run(database, cure(refusal.value))
    assert read_signals(database) == []


def test_an_undeclared_column_that_may_be_empty_is_left_alone(database: Path) -> None:
    run(database, "ALTER TABLE signals ADD COLUMN colour TEXT")
    assert read_signals(database) == [signal(1), signal(2, side="buy")]


def test_another_key_is_refused_and_cured(database: Path) -> None:
    other = create_table_sql(SIGNALS).replace('PRIMARY KEY ("session_id", "seq")', 'PRIMARY KEY ("seq")')
    run_losing_rows(database, "DROP TABLE signals", other)
    with pytest.raises(Broken, match=r"its key is \(seq\), expected \(session_id, seq\)") as refusal:
        read_signals(database)
    run(database, cure(refusal.value))
    assert read_signals(database) == []


def test_a_refusal_changes_nothing_in_other_tables(database: Path) -> None:
    run(database, "DROP TABLE fills", "ALTER TABLE signals DROP COLUMN section")
    with pytest.raises(Broken):
        read_signals(database)
    with pytest.raises(apsw.SQLError, match="no such table: fills"):
        run(database, "DROP TABLE fills")


class _Before(msgspec.Struct, frozen=True, kw_only=True):
    seq: int
    strategy: str


class _After(_Before, frozen=True, kw_only=True):
    tries: int
    is_live: bool
    ratio: float
    trace: tuple[ConditionReading, ...]
    side: Side | None
    note: str = "unknown"
    side_or_buy: Side = "buy"


def test_every_neutral_default_gives_old_rows_that_decode(tmp_path: Path) -> None:
    before = Table(name="things", record=_Before, key=("session_id", "seq"))
    after = Table(name="things", record=_After, key=("session_id", "seq"))
    connection = apsw.Connection(str(tmp_path / "things.sqlite3"))
    verify_tables(connection, [before])
    connection.execute(insert_sql(before), ("s", 1, "ema-cross"))
    verify_tables(connection, [after])
    rows = connection.execute(select_sql(after, "LIMIT 1")).fetchall()
    connection.close()
    expected = _After(seq=1, strategy="ema-cross", tries=0, is_live=False, ratio=0.0, trace=(), side=None)
    assert [RowCodec(after).decode(row) for row in rows] == [expected]


@pytest.mark.parametrize("table", [*TABLES, *MARKET_TABLES], ids=lambda table: table.name)
def test_the_columns_are_the_fields_and_session_id_comes_first(table: Table) -> None:
    names = [column.name for column in columns_of(table)]
    assert (names[0] == "session_id") is table.is_per_session
    assert set(names) == set(table.record.__struct_fields__) | ({"session_id"} if table.is_per_session else set())
    assert CODECS[table.name].columns == columns_of(table)
