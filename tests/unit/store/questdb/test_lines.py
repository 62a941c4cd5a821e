"""Rows to QuestDB: what is refused before anything is sent, and what the server's answers mean."""

from __future__ import annotations

import socket

import pytest

from papertape.errors import Broken, Invalid, PapertapeError, Unavailable
from papertape.model.tables import EQUITY, SESSION_EVENTS, SIGNALS, Table
from papertape.store.questdb.address import QuestAddress
from papertape.store.questdb.lines import LineSender
from papertape.store.rows import Row
from papertape.store.schema import CODECS, Scalar
from papertape.testkit.canned_server import canned_server, http_answer
from papertape.testkit.store_contract import SESSION, signal


def send(port: int, table: Table, rows: list[Row]) -> None:
    address = QuestAddress(host="127.0.0.1", http_port=port, user="desk", password="s3cr3t")
    sender = LineSender(address, timeout_s=0.3)
    try:
        sender.send(table, rows)
    finally:
        sender.close()


def row_of(table: Table, **values: Scalar) -> Row:
    """Return a row that holds 1 or a text in each column, but for `values`."""
    plain = {"integer": 1, "real": 1.0, "boolean": 1}
    return tuple(values.get(c.name, plain.get(c.logical, "1")) for c in CODECS[table.name].columns)


GOOD = CODECS[SIGNALS.name].encode(SESSION, signal(1))
REFUSED = '{"code":"invalid","message":"table is missing: signals","line":1,"errorId":"1"}'
LINES = '{"code":"invalid","message":"errors on line(s):\\nerror in line 1","line":1,"errorId":"1"}'
DISK = '{"code":"internal error","message":"could not write, errno=28","line":1,"errorId":"1"}'
JSON = "application/json"


@pytest.mark.parametrize(
    ("table", "row", "why"),
    [
        (SIGNALS, row_of(SIGNALS, seq=7, entry_seq=2**63), "9223372036854775808 does not fit in a 64-bit integer"),
        (SIGNALS, row_of(SIGNALS, seq=7, entry_seq=-(2**63)), "does not fit"),
        (SIGNALS, row_of(SIGNALS, seq=7, price=float("nan")), "nan is no number"),
        (SIGNALS, row_of(SIGNALS, seq=7, price=float("-inf")), "-inf is no number"),
        (SIGNALS, row_of(SIGNALS, seq=7, ts=-1), "-1 is no time between the years 1970 and 9999"),
        (SIGNALS, row_of(SIGNALS, seq=7, ts=253_402_300_800_000_000), "is no time"),
        (SIGNALS, row_of(SIGNALS, seq=7, ts=None), "None is no time"),
        (SIGNALS, row_of(SIGNALS, seq=7, reason="\ud800"), "Cannot be encoded as UTF-8"),
        (SIGNALS, row_of(SIGNALS, seq=7, reason=b"x"), "bytes cannot be sent"),
        (SESSION_EVENTS, row_of(SESSION_EVENTS, seq=7, is_degraded=None), "a boolean is unset"),
        (EQUITY, row_of(EQUITY, seq=7, drawdown_pct=float("inf")), "inf is no number"),
    ],
)  # fmt: skip
def test_what_questdb_cannot_hold_is_refused_before_anything_is_sent(table: Table, row: Row, why: str) -> None:
    with canned_server(http_answer(204)) as port, pytest.raises(Broken) as refusal:
        send(port, table, [row_of(table), row])
    assert refusal.value.code == "store.mirror_rejected"
    assert f"The row of table {table.name} with session_id '1', seq 7 cannot be sent" in refusal.value.message
    assert why in refusal.value.message
    assert "Nothing was sent" in refusal.value.message


@pytest.mark.parametrize(
    ("answer", "kind", "code", "words"),
    [
        (http_answer(401, "Unauthorized"), Invalid, "store.mirror_credentials", "http.user and http.password"),
        (http_answer(404, "Not Found"), Invalid, "store.not_questdb", "is not QuestDB's HTTP port"),
        (http_answer(400, REFUSED, content=JSON), Broken, "store.mirror_rejected", "table is missing: signals"),
        (http_answer(400, LINES, content="text/plain"), Broken, "store.mirror_rejected", "error in line 1"),
        (http_answer(500, DISK, content=JSON), Unavailable, "store.mirror_unwritable", "could not write, errno=28"),
        (http_answer(500, DISK, content="text/plain"), Unavailable, "store.mirror_unwritable", "errno=28"),
        (http_answer(502, "bad gateway"), Unavailable, "store.mirror_unreachable", "bad gateway"),
        (b"", Unavailable, "store.mirror_unreachable", "Check that the server runs there"),
        (None, Unavailable, "store.mirror_unreachable", "timeout"),
    ],
)
def test_the_servers_answers_are_told_apart(
    answer: bytes | None, kind: type[PapertapeError], code: str, words: str
) -> None:
    with canned_server(answer) as port, pytest.raises(kind) as failure:
        send(port, SIGNALS, [GOOD])
    assert failure.value.code == code
    assert words in failure.value.message
    assert "s3cr3t" not in failure.value.message


def test_nobody_listening_can_be_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Unavailable, match="Connection refused") as failure:
        send(port, SIGNALS, [GOOD])
    assert failure.value.code == "store.mirror_unreachable"


def test_no_rows_are_sent_nowhere() -> None:
    send(1, SIGNALS, [])
