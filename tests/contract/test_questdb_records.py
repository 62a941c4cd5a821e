"""Every mirrored record through a real QuestDB and back, and its tables against the declaration."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any

import msgspec
import pytest

from papertape.errors import Broken, Invalid, Unavailable
from papertape.model.tables import BARS, EQUITY, MIRRORED_TABLES, SESSIONS, SIGNALS, TRADES, Table
from papertape.store.questdb import words
from papertape.store.questdb.address import QuestAddress
from papertape.store.questdb.lines import LineSender
from papertape.store.questdb.statements import Statements
from papertape.store.questdb.verify import Verified, verify_mirror
from papertape.store.rows import Row
from papertape.store.schema import CODECS, Scalar
from papertape.testkit.questdb_server import QuestServer, wait_until_applied
from papertape.testkit.record_samples import sample
from papertape.testkit.store_contract import SESSION, signal

START = 1_735_318_702_000_000
SEEDS = 150


@pytest.fixture
def statements(quest: QuestAddress) -> Iterator[Statements]:
    with closing(Statements(quest)) as each:
        yield each


@pytest.fixture
def lines(quest: QuestAddress) -> Iterator[LineSender]:
    with closing(LineSender(quest)) as each:
        yield each


def read(quest: QuestAddress, statements: Statements, table: Table) -> list[Row]:
    wait_until_applied(quest)
    return [words.row_of(table, row) for row in statements.run(words.select_sql(table, f"ORDER BY {table.time}"))]


def records(table: Table) -> list[Any]:
    """Return samples of a table's record, each at a time of its own, so that none has the key of another."""
    made = [sample(table.record, random.Random(f"{table.name} {seed}")) for seed in range(SEEDS)]
    return [msgspec.structs.replace(each, **{table.time: START + index}) for index, each in enumerate(made)]


@pytest.mark.parametrize("table", MIRRORED_TABLES, ids=lambda table: table.name)
def test_every_record_is_read_back_as_it_was_written_and_once_when_sent_twice(
    quest: QuestAddress, statements: Statements, lines: LineSender, table: Table
) -> None:
    statements.run(words.create_table_sql(table))
    written = records(table)
    rows = [CODECS[table.name].encode(getattr(each, "session_id", SESSION), each) for each in written]
    lines.send(table, rows)
    lines.send(table, rows[::-1])
    found = read(quest, statements, table)
    assert [CODECS[table.name].decode(row) for row in found] == written
    assert [list(map(repr, row)) for row in found] == [_shown(table, row) for row in rows]


def _shown(table: Table, row: Row) -> list[str]:
    """Return each value as it looks when it is read: −0.0 is told from 0.0, a boolean is one."""
    kinds = [column.logical for column in CODECS[table.name].columns]
    return [repr(bool(value) if kind == "boolean" else value) for kind, value in zip(kinds, row, strict=True)]


def test_extremes_are_kept(quest: QuestAddress, statements: Statements, lines: LineSender) -> None:
    verify_mirror(statements, [SIGNALS, TRADES])
    reason = "zażółć 🟢 \"'\\\n\r\t\x00\x7f|,= " * 400
    fired = [
        signal(2**63 - 1, ts=0, price=5e-324, reason="", strategy="", instrument="a\x00b\n,= \\"),
        signal(1, ts=1, price=1.7976931348623157e308, reason=reason, entry_seq=-(2**63) + 1),
        signal(2, ts=253_402_300_799_999_999, price=None, side=None, reason=" " * 10_000),
    ]
    lines.send(SIGNALS, [CODECS[SIGNALS.name].encode(SESSION, each) for each in fired])
    assert [CODECS[SIGNALS.name].decode(row) for row in read(quest, statements, SIGNALS)] == fired


def test_a_row_for_an_unknown_table_or_column_is_refused_and_none_beside_it_is_stored(
    quest: QuestAddress, statements: Statements, lines: LineSender
) -> None:
    row = CODECS[SIGNALS.name].encode(SESSION, signal(1))
    with pytest.raises(Broken, match="signals") as refusal:
        lines.send(SIGNALS, [row])
    assert refusal.value.code == "store.mirror_rejected"
    statements.run(words.create_table_sql(SIGNALS).replace('"side" SYMBOL CAPACITY 16 CACHE, ', ""))
    with_side = CODECS[SIGNALS.name].encode(SESSION, signal(2, side="buy"))
    with pytest.raises(Broken, match="side") as refusal:
        lines.send(SIGNALS, [row, with_side])
    assert refusal.value.code == "store.mirror_rejected"
    wait_until_applied(quest)
    assert statements.run("SELECT count() FROM signals") == [(0,)]
    assert "side" not in {name for (name,) in statements.run("SELECT \"column\" FROM table_columns('signals')")}


def test_an_empty_server_gets_every_table_and_a_second_look_changes_nothing(statements: Statements) -> None:
    expected = tuple(words.create_table_sql(table) for table in MIRRORED_TABLES)
    due = Verified(created=tuple(table.name for table in MIRRORED_TABLES), changes=expected)
    assert verify_mirror(statements, is_changing=False) == due
    assert statements.run("tables() WHERE table_name NOT LIKE 'sys.%'") == []
    assert verify_mirror(statements) == due
    assert verify_mirror(statements) == Verified(created=(), changes=())


def test_a_signals_table_without_side_gets_it_and_old_rows_are_read(
    quest: QuestAddress, statements: Statements, lines: LineSender
) -> None:
    ddl = words.create_table_sql(SIGNALS)
    for missing in (
        '"side" SYMBOL CAPACITY 16 CACHE, ',
        '"outcome" VARCHAR, ',
        ', "trace" VARCHAR',
        '"entry_seq" LONG, ',
    ):
        assert missing in ddl
        ddl = ddl.replace(missing, "")
    statements.run(ddl)
    statements.run(
        f"INSERT INTO signals (session_id, seq, ts, strategy, instrument, section, price, reason) VALUES "
        f"('{SESSION}', 1, {START}, 'a', 'BTCUSDT.BINANCE', 'S1', 1.5, 'old')"
    )
    due = verify_mirror(statements, [SIGNALS], is_changing=False)
    assert "side" not in {name for (name,) in statements.run("SELECT \"column\" FROM table_columns('signals')")}
    told: list[tuple[tuple[str, ...], bool]] = []

    def has_side() -> bool:
        return ("side",) in statements.run("SELECT \"column\" FROM table_columns('signals')")

    found = verify_mirror(statements, [SIGNALS], before_filling=lambda tables: told.append((tables, has_side())))
    assert (found, told, has_side()) == (due, [(("signals",), False)], True)
    assert (due.created, due.widened) == ((), ("signals",))
    assert [change.split("EXISTS ")[1] for change in due.changes] == [
        '"entry_seq" LONG',
        '"side" SYMBOL CAPACITY 16 CACHE',
        '"outcome" VARCHAR',
        '"trace" VARCHAR',
    ]
    newer = signal(2, ts=START + 1, side="sell")
    lines.send(SIGNALS, [CODECS[SIGNALS.name].encode(SESSION, newer)])
    old, new = (CODECS[SIGNALS.name].decode(row) for row in read(quest, statements, SIGNALS))
    assert (old.side, old.outcome, old.trace, old.entry_seq, old.reason) == (None, "", (), 0, "old")
    assert new == newer
    assert verify_mirror(statements, [SIGNALS]) == Verified(created=(), changes=())


def test_extra_columns_are_left_alone(statements: Statements) -> None:
    verify_mirror(statements, [SIGNALS])
    statements.run("ALTER TABLE signals ADD COLUMN note VARCHAR")
    _wait(lambda: ("note",) not in statements.run("SELECT \"column\" FROM table_columns('signals')"))
    assert verify_mirror(statements, [SIGNALS]) == Verified(created=(), changes=())


@pytest.mark.parametrize("table", [TRADES, SIGNALS], ids=lambda table: table.name)
def test_another_time_to_live_is_set(statements: Statements, table: Table) -> None:
    verify_mirror(statements, [table])
    statements.run(f"ALTER TABLE {table.name} SET TTL 7 MONTHS")
    _wait(lambda: statements.run(f"SELECT ttlValue FROM tables() WHERE table_name = '{table.name}'") != [(7,)])
    assert verify_mirror(statements, [table]) == Verified(created=(), changes=(words.set_ttl_sql(table),))
    assert verify_mirror(statements, [table]) == Verified(created=(), changes=())


DDL = words.create_table_sql(SIGNALS)


@pytest.mark.parametrize(
    ("ddl", "why"),
    [
        (DDL.replace('"price" DOUBLE', '"price" VARCHAR'), "column price has type VARCHAR, expected DOUBLE"),
        (DDL.replace('"reason" VARCHAR', '"reason" STRING'), "column reason has type STRING, expected VARCHAR"),
        (DDL.replace('"seq" LONG', '"seq" INT'), "column seq has type INT, expected LONG"),
        (
            DDL.replace('"side" SYMBOL CAPACITY 16 CACHE', '"side" VARCHAR'),
            "column side has type VARCHAR, expected SYM",
        ),
        (DDL.replace("BY MONTH", "BY DAY"), "it is partitioned by DAY, expected MONTH"),
        (DDL.replace(', "seq")', ")"), "its DEDUP UPSERT KEYS are (session_id, ts), expected (seq, session_id, ts)"),
        (DDL.partition(" DEDUP")[0], "its DEDUP UPSERT KEYS are none, expected (seq, session_id, ts)"),
        (DDL.partition(" WAL")[0] + " BYPASS WAL", "it has no write-ahead log (WAL), expected one"),
        (
            DDL.replace('"ts" TIMESTAMP', '"ts" LONG, "timestamp" TIMESTAMP')
            .replace('TIMESTAMP("ts")', 'TIMESTAMP("timestamp")')
            .replace('KEYS("ts"', 'KEYS("timestamp"'),
            "its designated timestamp is timestamp, expected ts",
        ),
    ],
)
def test_what_cannot_be_migrated_is_refused_and_the_given_statements_mend_it(
    quest: QuestAddress, statements: Statements, ddl: str, why: str
) -> None:
    assert ddl != DDL
    statements.run(ddl)
    extra = ', "timestamp"' if '"timestamp"' in ddl else ""
    price = "'61800.25'" if '"price" VARCHAR' in ddl else "61800.25"
    statements.run(
        f"INSERT INTO signals (session_id, seq, ts, entry_seq, strategy, instrument, section, side, price, outcome, "
        f"reason, trace{extra}) VALUES ('{SESSION}', 1, {START}, 1, 'a', 'BTCUSDT.BINANCE', 'S1', 'buy', {price}, "
        f"'accepted', 'it''s', '[]'{f', {START}' if extra else ''})"
    )
    wait_until_applied(quest)
    before = _shapes(statements)
    with pytest.raises(Broken) as refusal:
        verify_mirror(statements, [BARS, SIGNALS])
    assert refusal.value.code == "store.mirror_differs"
    assert why in refusal.value.message
    assert "nothing was changed" in refusal.value.message
    assert _shapes(statements) == before
    for statement in refusal.value.message.rsplit("Run:\n", 1)[1].removesuffix(";").split(";\n"):
        statements.run(statement)
        wait_until_applied(quest)
    assert verify_mirror(statements, [SIGNALS]) == Verified(created=(), changes=())
    (row,) = read(quest, statements, SIGNALS)
    expected: tuple[Scalar, ...] = (
        SESSION, 1, START, 1, "a", "BTCUSDT.BINANCE", "S1", "buy", 61800.25, "accepted", "it's", "[]",
    )  # fmt: skip
    assert row == expected
    assert statements.run("SELECT count() FROM signals_old") == [(1,)]


def test_a_missing_column_without_an_honest_value_is_refused_only_where_there_are_rows(
    quest: QuestAddress, statements: Statements
) -> None:
    statements.run(DDL.replace('"section" SYMBOL CAPACITY 16 CACHE, ', ""))
    assert len(verify_mirror(statements, [SIGNALS], is_changing=False).changes) == 1
    statements.run(f"INSERT INTO signals (session_id, seq, ts) VALUES ('{SESSION}', 1, {START})")
    wait_until_applied(quest)
    with pytest.raises(
        Broken, match="need one of E1, O1, S1, Z1, ZE1; the statement writes 'E1', change it"
    ) as refusal:
        verify_mirror(statements, [SIGNALS])
    for statement in refusal.value.message.rsplit("Run:\n", 1)[1].removesuffix(";").split(";\n"):
        statements.run(statement)
        wait_until_applied(quest)
    (row,) = read(quest, statements, SIGNALS)
    assert CODECS[SIGNALS.name].decode(row).section == "E1"


def test_names_that_are_taken_are_not_used_for_the_old_table(statements: Statements) -> None:
    statements.run(DDL.replace('"price" DOUBLE', '"price" LONG'))
    statements.run('CREATE TABLE "signals_old" (a INT)')
    with pytest.raises(Broken, match='RENAME TABLE "signals" TO "signals_old2"'):
        verify_mirror(statements, [SIGNALS])


def _wait(is_waiting: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while is_waiting():
        assert time.monotonic() < until, "the server has not applied a change within 20 s"
        time.sleep(0.02)


def _shapes(statements: Statements) -> Sequence[tuple[object, ...]]:
    shapes = statements.run("SELECT table_name, partitionBy, walEnabled, dedup FROM tables() ORDER BY table_name")
    return [*shapes, *statements.run('SELECT "column", "type" FROM table_columns(\'signals\')')]


def test_a_column_added_to_a_suspended_table_waits_and_is_said_to(quest_server: QuestServer) -> None:
    with closing(Statements(quest_server.address)) as statements:
        statements.run(DDL.replace('"side" SYMBOL CAPACITY 16 CACHE, ', ""))
        statements.run("ALTER TABLE signals SUSPEND WAL")
        with pytest.raises(Unavailable, match='ALTER TABLE "signals" RESUME WAL') as failure:
            verify_mirror(statements, [SIGNALS])
        assert failure.value.code == "store.mirror_unapplied"
        statements.run("ALTER TABLE signals RESUME WAL")
        _wait(lambda: ("side",) not in statements.run("SELECT \"column\" FROM table_columns('signals')"))
        assert verify_mirror(statements, [SIGNALS]) == Verified(created=(), changes=())


def test_a_server_that_ends_and_comes_back_is_used_again(quest_server: QuestServer) -> None:
    address = quest_server.address
    with closing(Statements(address, timeout_s=2)) as statements, closing(LineSender(address, timeout_s=2)) as lines:
        verify_mirror(statements, [EQUITY])
        rows = [CODECS[EQUITY.name].encode(SESSION, each) for each in records(EQUITY)]
        lines.send(EQUITY, rows[:50])
        quest_server.kill()
        with pytest.raises(Unavailable):
            lines.send(EQUITY, rows)
        with pytest.raises(Unavailable, match="nobody listens on that port"):
            statements.run("SELECT 1")
        quest_server.start()
        quest_server.freeze()
        with pytest.raises(Unavailable, match="does not answer"):
            lines.send(EQUITY, rows)
        with pytest.raises(Unavailable, match="no answer within 2 s"):
            statements.run("SELECT 1")
        quest_server.thaw()
        lines.send(EQUITY, rows)
        found = read(address, statements, EQUITY)
        assert [CODECS[EQUITY.name].decode(row) for row in found] == [CODECS[EQUITY.name].decode(row) for row in rows]


def test_a_wrong_password_and_a_wrong_port_are_told_apart(quest: QuestAddress) -> None:
    stranger = msgspec.structs.replace(quest, password="wrong")
    with closing(Statements(stranger)) as statements, closing(LineSender(stranger)) as lines:
        with pytest.raises(Invalid) as refusal:
            statements.run("SELECT 1")
        assert refusal.value.code == "store.mirror_credentials"
        with pytest.raises(Invalid) as refusal:
            lines.send(SIGNALS, [CODECS[SIGNALS.name].encode(SESSION, signal(1))])
        assert refusal.value.code == "store.mirror_credentials"
    swapped = msgspec.structs.replace(quest, http_port=quest.pg_port, pg_port=quest.http_port)
    with closing(Statements(swapped, timeout_s=1)) as statements, pytest.raises(Invalid) as refusal:
        statements.version()
    assert refusal.value.code == "store.not_questdb"
    assert "that port belongs behind ?pg=" in refusal.value.message


def test_the_version_and_a_refused_statement_are_told(quest: QuestAddress, statements: Statements) -> None:
    assert [part.isdigit() for part in statements.version().split(".")] == [True, True, True]
    verify_mirror(statements, [SESSIONS])
    with pytest.raises(Broken, match=r"Invalid column: nocol at position 7\. The statement: SELECT nocol") as refusal:
        statements.run("SELECT nocol FROM sessions")
    assert refusal.value.code == "store.mirror_statement"
    assert quest.location in refusal.value.message
