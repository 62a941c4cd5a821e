"""Where a QuestDB server is, and as whom papertape speaks to it."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from papertape.errors import Invalid

_FORM = "questdb://user:password@host:9000?pg=8812"


class QuestAddress(msgspec.Struct, frozen=True, kw_only=True):
    """A server's host, its ports for HTTP and for PostgreSQL's protocol, and the credentials for both."""

    host: str
    http_port: int = 9000
    pg_port: int = 8812
    user: str
    password: str

    @property
    def location(self) -> str:
        """Return the address as it may be shown: without user and password."""
        return f"questdb://{self.host}:{self.http_port}"

    def __repr__(self) -> str:
        return f"QuestAddress({self.location}?pg={self.pg_port})"


def parse_address(text: str) -> QuestAddress:
    """Read an address of the form `questdb://user:password@host:9000?pg=8812`; both ports may be left out.

    Raises:
        Invalid: A part is missing or no port number; the sentence shows the right form, never the password.
    """
    try:
        parts = urlsplit(text)
        http_port = parts.port or 9000
        options = parse_qs(parts.query, strict_parsing=bool(parts.query))
        pg_port = int(options.pop("pg", ["8812"])[-1])
    except ValueError as error:
        raise _invalid("its ports or options cannot be read") from error
    if parts.scheme != "questdb":
        raise _invalid("it does not begin with questdb://")
    if not parts.hostname:
        raise _invalid("it names no host")
    if not parts.username or not parts.password:
        raise _invalid("it names no user and password")
    if parts.path.strip("/") or options or not 0 < pg_port < 65_536:
        raise _invalid("after the port only ?pg=PORT may follow")
    return QuestAddress(
        host=parts.hostname,
        http_port=http_port,
        pg_port=pg_port,
        user=unquote(parts.username),
        password=unquote(parts.password),
    )


def _invalid(what: str) -> Invalid:
    return Invalid(
        f"The store's address is not understood: {what}. Expected {_FORM}; "
        "characters such as @ : / ? in the password are written as %40 %3A %2F %3F.",
        code="store.address",
        path="store",
    )
