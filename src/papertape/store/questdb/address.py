"""Where a QuestDB server is, and as whom papertape speaks to it."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import msgspec

from papertape.errors import Invalid

HTTP_PORT = 9000
PG_PORT = 8812

_ENCODED = "characters such as @ : / ? # % in the user or the password are written as %40 %3A %2F %3F %23 %25"
_BAD_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+(%[A-Za-z0-9._-]+)?")


class QuestAddress(msgspec.Struct, frozen=True, kw_only=True):
    """A server's host, its ports for HTTP and for PostgreSQL's protocol, and the credentials for both."""

    host: str
    http_port: int = HTTP_PORT
    pg_port: int = PG_PORT
    user: str
    password: str

    @property
    def location(self) -> str:
        """Return the address as it may be shown: without user and password."""
        return f"questdb://{self.http_host}"

    @property
    def http_host(self) -> str:
        """Return `host:port` of HTTP, an IPv6 host in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.http_port}"

    def __repr__(self) -> str:
        return f"QuestAddress({self.location}?pg={self.pg_port})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("location", self.location), ("pg_port", self.pg_port)]


def parse_address(text: str) -> QuestAddress:
    """Read an address of the form `questdb://user:password@host:9000?pg=8812`; both ports may be left out.

    Raises:
        Invalid: a part is missing or wrong; the sentence shows the right form, never the user or the password.
    """
    scheme, _, rest = text.strip().partition("://")
    if not rest:
        raise _invalid("it does not begin with questdb://")
    if scheme.lower() != "questdb":
        raise _invalid(f"it begins with {scheme}://, not with questdb://{_hint_at_scheme(scheme)}")
    try:
        parts = urlsplit(f"questdb://{rest}")
    except ValueError as error:
        raise _invalid("its host cannot be read; an IPv6 address stands in brackets, as [::1]") from error
    user, password = _credentials(parts)
    return QuestAddress(
        host=_host(parts),
        http_port=_http_port(parts),
        pg_port=_pg_port(parts),
        user=user,
        password=password,
    )


def _hint_at_scheme(scheme: str) -> str:
    if scheme.lower() in ("http", "https", "postgres", "postgresql"):
        return "; papertape uses HTTP to write and PostgreSQL's protocol to read by itself, both without TLS"
    return ""


def _credentials(parts: SplitResult) -> tuple[str, str]:
    if "@" not in parts.netloc:
        if "@" in parts.path + parts.query + parts.fragment:  # a / ? or # in the password ended the host too early
            raise _invalid(f"its user or password holds a character that must be encoded: {_ENCODED}")
        raise _invalid("it names no user and password before the host")
    user, colon, password = parts.netloc.rpartition("@")[0].partition(":")
    if not user or not password:
        missing = "user" if not user else "password"
        raise _invalid(f"it names no {missing} before the host{'' if colon else ' (user:password@host)'}")
    if "@" in user + password or _BAD_ESCAPE.search(user + password):
        raise _invalid(f"its user or password holds a character that must be encoded: {_ENCODED}")
    try:
        return unquote(user, errors="strict"), unquote(password, errors="strict")
    except UnicodeDecodeError as error:
        raise _invalid("the encoded characters of its user or password are no UTF-8") from error


def _host(parts: SplitResult) -> str:
    if parts.path.strip("/") or parts.fragment:
        if "@" in parts.path + parts.query + parts.fragment:
            raise _invalid(f"its user or password holds a character that must be encoded: {_ENCODED}")
        raise _invalid("something stands behind the host and the port, where only ?pg=PORT may follow")
    host = parts.hostname or ""
    behind = parts.netloc.rpartition("@")[2]
    if ("[" not in behind and behind.count(":") > 1) or (host and not _HOST.fullmatch(host)):
        raise _invalid("its host is neither a name nor an IP address; an IPv6 address stands in brackets, as [::1]")
    if not host:
        raise _invalid("it names no host behind the @")
    return host


def _http_port(parts: SplitResult) -> int:
    behind = parts.netloc.rpartition("@")[2].rpartition("]")[2]
    _, colon, port = behind.partition(":")
    return _port(port, "the port behind the host") if colon else HTTP_PORT


def _pg_port(parts: SplitResult) -> int:
    if not parts.query:
        return PG_PORT
    options = parse_qsl(parts.query, keep_blank_values=True)
    if [name for name, _ in options] != ["pg"]:
        raise _invalid("behind the ? only one option is known, pg=PORT, the port of PostgreSQL's protocol")
    return _port(options[0][1], "the port behind pg=")


def _port(text: str, what: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) < 65_536):
        raise _invalid(f"{what} is no number from 1 to 65535")
    return int(text)


def _invalid(what: str) -> Invalid:
    return Invalid(
        f"The address of the QuestDB store is not understood: {what}. Expected "
        f"questdb://user:password@host, or with its ports questdb://user:password@host:{HTTP_PORT}?pg={PG_PORT}, where "
        f"{HTTP_PORT} is the port of HTTP and {PG_PORT} that of PostgreSQL's protocol.",
        code="store.address",
        path="store",
    )
