"""What stands at an address: a QuestDB, something else, or nothing, and what is said about it."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest

from papertape.errors import Broken, Invalid, PapertapeError, Unavailable
from papertape.store.questdb.address import QuestAddress
from papertape.store.questdb.statements import Statements
from papertape.testkit.canned_server import canned_server, http_answer

JSON = "application/json"


def ask(answer: bytes | None) -> list[tuple[object, ...]]:
    with canned_server(answer) as port, closing(statements(port)) as asked:
        return asked.run("SELECT 1")


def statements(port: int, host: str = "127.0.0.1") -> Statements:
    return Statements(QuestAddress(host=host, http_port=port, user="desk", password="s3cr3t"), timeout_s=0.3)


def test_rows_are_tuples_and_a_change_has_none() -> None:
    assert ask(http_answer(200, '{"dataset":[[1,"a",null]],"count":1}', content=JSON)) == [(1, "a", None)]
    assert ask(http_answer(200, '{"ddl":"OK"}', content=JSON)) == []


def test_control_characters_that_questdb_leaves_in_texts_are_read() -> None:
    assert ask(http_answer(200, '{"dataset":[["a\x00b\x01"]]}', content=JSON)) == [("a\x00b\x01",)]


@pytest.mark.parametrize(
    ("answer", "kind", "code", "words"),
    [
        (http_answer(400, '{"error":"Invalid column: side","position":7}', content=JSON), Broken,
         "store.mirror_statement", "refused a statement: Invalid column: side at position 7. The statement: SELECT 1"),
        (http_answer(401, "Unauthorized"), Invalid, "store.mirror_credentials", "http.user and http.password"),
        (http_answer(403, "no"), Invalid, "store.mirror_credentials", "(HTTP 403)"),
        (http_answer(200, "Status: Healthy"), Invalid, "store.not_questdb", "another port of QuestDB"),
        (http_answer(404, "<html>", server="nginx"), Invalid, "store.not_questdb", "HTTP 404 by nginx"),
        (http_answer(200, "<html>", server="papertape"), Invalid, "store.not_questdb", "HTTP 200 by papertape"),
        (http_answer(200, '{"code":"not_found"}', server="", content=JSON), Invalid, "store.not_questdb", "HTTP 200,"),
        (http_answer(200, "[1]", server="x", content=JSON), Invalid, "store.not_questdb", "HTTP 200 by x"),
        (b"220 ready\r\n\r\n", Invalid, "store.not_questdb", "does not speak HTTP"),
        (b"N", Invalid, "store.not_questdb", "that port belongs behind ?pg="),
        (http_answer(502, "bad gateway"), Unavailable, "store.mirror_unreachable", "answered with HTTP 502"),
        (http_answer(500, '{"error":"no memory"}', content=JSON), Unavailable, "store.mirror_unreachable", "no memory"),
        (b"", Unavailable, "store.mirror_unreachable", "Check that the server runs there"),
        (None, Unavailable, "store.mirror_unreachable", "no answer within 0.3 s"),
    ],
)  # fmt: skip
def test_what_answers_otherwise_is_told_apart(
    answer: bytes | None, kind: type[PapertapeError], code: str, words: str
) -> None:
    with pytest.raises(kind) as failure:
        ask(answer)
    assert failure.value.code == code
    assert words in failure.value.message
    assert "s3cr3t" not in failure.value.message


def test_nobody_listening_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with closing(statements(port)) as asked, pytest.raises(Unavailable, match="nobody listens on that port"):
        asked.run("SELECT 1")


def test_an_unknown_name_is_said() -> None:
    with closing(statements(9000, "no-such-host.invalid")) as asked, pytest.raises(Unavailable, match="of this name"):
        asked.run("SELECT 1")


def test_a_version_that_cannot_be_told_is_no_questdb() -> None:
    other = http_answer(200, '{"dataset":[["PostgreSQL 12.3"]]}', content=JSON)
    with (
        canned_server(other) as port,
        closing(statements(port)) as asked,
        pytest.raises(Invalid, match="does not tell a version"),
    ):
        asked.version()
