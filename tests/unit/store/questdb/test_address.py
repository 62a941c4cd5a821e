"""Addresses of a QuestDB: what is understood, and what a trader reads who typed it wrongly."""

from __future__ import annotations

import pytest
from rich.pretty import pretty_repr

from papertape.errors import Invalid
from papertape.store.questdb.address import QuestAddress, parse_address

SECRET = "s3cr3t"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (
            "questdb://desk:s3cr3t@db.example:19000?pg=18812",
            QuestAddress(host="db.example", http_port=19000, pg_port=18812, user="desk", password=SECRET),
        ),
        (
            " questdb://desk:s3cr3t@localhost\n",
            QuestAddress(host="localhost", http_port=9000, pg_port=8812, user="desk", password=SECRET),
        ),
        ("QuestDB://desk:s3cr3t@localhost/", QuestAddress(host="localhost", user="desk", password=SECRET)),
        ("questdb://desk:s3cr3t@[::1]:9001", QuestAddress(host="::1", http_port=9001, user="desk", password=SECRET)),
        ("questdb://d%40sk:%2F%3A%25%C3%BC@10.0.0.1", QuestAddress(host="10.0.0.1", user="d@sk", password="/:%ü")),
        ("questdb://desk:a:b@localhost", QuestAddress(host="localhost", user="desk", password="a:b")),
    ],
)
def test_the_right_forms_are_understood(text: str, address: QuestAddress) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "does not begin with questdb://"),
        ("localhost:9000", "does not begin with questdb://"),
        ("http://desk:s3cr3t@localhost:9000", "begins with http://, not with questdb://; papertape uses HTTP"),
        ("postgres://desk:s3cr3t@localhost:8812", "begins with postgres://"),
        ("questdb://localhost:9000", "names no user and password before the host"),
        ("questdb://desk:s3cr3t", "names no user and password before the host"),
        ("questdb://desk@localhost", "names no password"),
        ("questdb://desk:@localhost", "names no password"),
        ("questdb://:s3cr3t@localhost", "names no user"),
        ("questdb://desk:s3cr3t@", "names no host"),
        ("questdb://desk:s3cr3t@:9000", "names no host"),
        ("questdb://desk:s3cr3t@local host", "neither a name nor an IP address"),
        ("questdb://desk:s3cr3t@::1", "IPv6 address stands in brackets"),
        ("questdb://desk:s3cr3t@[::1", "IPv6 address stands in brackets"),
        ("questdb://desk:s3cr3t@localhost:", "port behind the host is no number from 1 to 65535"),
        ("questdb://desk:s3cr3t@localhost:http", "port behind the host is no number from 1 to 65535"),
        ("questdb://desk:s3cr3t@localhost:0", "port behind the host is no number from 1 to 65535"),
        ("questdb://desk:s3cr3t@localhost:65536", "port behind the host is no number from 1 to 65535"),
        ("questdb://desk:s3cr3t@localhost:9000?pg=x", "port behind pg= is no number from 1 to 65535"),
        ("questdb://desk:s3cr3t@localhost:9000?pg=", "port behind pg= is no number from 1 to 65535"),
        ("questdb://desk:s3cr3t@localhost:9000?port=8812", "only one option is known, pg=PORT"),
        ("questdb://desk:s3cr3t@localhost:9000?pg=1&pg=2", "only one option is known, pg=PORT"),
        ("questdb://desk:s3cr3t@localhost:9000/qdb", "only ?pg=PORT may follow"),
        ("questdb://desk:s3cr3t/x@localhost:9000", "must be encoded: characters such as @ : /"),
        ("questdb://desk:s3cr3t?x@localhost:9000", "must be encoded: characters such as @ : /"),
        ("questdb://desk:s3cr3t#x@localhost:9000", "must be encoded: characters such as @ : /"),
        ("questdb://desk:s3cr3t@x@localhost:9000", "must be encoded: characters such as @ : /"),
        ("questdb://desk:s3cr3t@x/y@localhost:9000", "must be encoded: characters such as @ : /"),
        ("questdb://desk:s3cr3t%zz@localhost:9000", "must be encoded: characters such as @ : /"),
        ("questdb://desk:s3cr3t%FF@localhost:9000", "no UTF-8"),
    ],
)
def test_a_wrong_form_is_answered_with_the_right_one_and_without_the_password(text: str, why: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_address(text)
    assert why in refusal.value.message
    assert "questdb://user:password@host:9000?pg=8812" in refusal.value.message
    assert (refusal.value.code, refusal.value.path) == ("store.address", "store")
    assert SECRET not in refusal.value.message


def test_the_password_is_never_shown() -> None:
    address = parse_address("questdb://desk:s3cr3t@[::1]")
    assert address.location == "questdb://[::1]:9000"
    for shown in (repr(address), str(address), pretty_repr(address), address.location, f"{[address]}"):
        assert SECRET not in shown
