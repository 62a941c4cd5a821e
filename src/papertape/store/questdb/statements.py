"""Runs statements on a QuestDB over HTTP and says in a sentence what keeps it from answering."""

from __future__ import annotations

import json
import re
import socket
from http import HTTPStatus
from typing import Any

import httpx
import msgspec

from papertape.errors import Broken, Invalid, PapertapeError, Unavailable
from papertape.store.questdb.address import HTTP_PORT, QuestAddress

_BUILD = re.compile(r"QuestDB ([^\s,]+)")
_SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"  # PostgreSQL's first message that every such server answers
_RETRIED = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
_SHOWN = 300

BUILD_SQL = "SELECT build"


class _Answer(msgspec.Struct):
    dataset: list[tuple[Any, ...]] | None = None  # Any: of each column's own JSON type
    ddl: str | None = None
    dml: str | None = None
    error: str | None = None
    position: int | None = None


_decode = json.JSONDecoder(strict=False).decode  # QuestDB leaves control characters in texts as they are


class Statements:
    """A connection that runs one statement at a time; it connects when it is used, and anew after a failure.

    Args:
        address: The server.
        timeout_s: How long a statement may take, and how long connecting may.
    """

    def __init__(self, address: QuestAddress, *, timeout_s: float = 10.0) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._client = httpx.Client(
            base_url=f"http://{address.http_host}",
            auth=httpx.BasicAuth(address.user, address.password),
            timeout=timeout_s,
            trust_env=False,
        )

    @property
    def location(self) -> str:
        """Return where the server is, without user and password."""
        return self._address.location

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a statement, none for one that changes something.

        Raises:
            Unavailable: nothing answers in time (`store.mirror_unreachable`).
            Invalid: the user or password is wrong (`store.mirror_credentials`), or what answers is no QuestDB
                (`store.not_questdb`).
            Broken: the server refuses the statement (`store.mirror_statement`); its own words are in the message.
        """
        try:
            response = self._client.get("/exec", params={"query": sql})
        except httpx.HTTPError as error:
            raise self._failure(error) from error
        return self._rows(sql, response)

    def version(self) -> str:
        """Return the server's version, for example `9.3.4`; raises as `run` does."""
        rows = self.run(BUILD_SQL)
        found = _BUILD.search(str(rows[0][0])) if rows else None
        if found is None:
            raise not_questdb(self._address, "it does not tell a version of QuestDB")
        return found[1]

    def close(self) -> None:
        """Close the connection; idempotent."""
        self._client.close()

    def _rows(self, sql: str, response: httpx.Response) -> list[tuple[Any, ...]]:
        status = response.status_code
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise wrong_credentials(self._address, status)
        try:
            answer = msgspec.convert(_decode(response.content.decode()), _Answer)
        except ValueError as error:
            raise self._unreadable(response) from error
        if answer.error is not None:
            raise self._refusal(sql, status, answer)
        if status != HTTPStatus.OK or (answer.dataset, answer.ddl, answer.dml) == (None, None, None):
            raise self._unreadable(response)
        return answer.dataset or []

    def _refusal(self, sql: str, status: int, answer: _Answer) -> PapertapeError:
        where = "" if answer.position is None else f" at position {answer.position}"
        said = f"QuestDB at {self.location} refused a statement: {answer.error}{where}. The statement: {_short(sql)}"
        if _is_retried(status):
            return Unavailable(said, code="store.mirror_unreachable")
        return Broken(said, code="store.mirror_statement")

    def _unreadable(self, response: httpx.Response) -> PapertapeError:
        status, server = response.status_code, response.headers.get("server", "")
        if _is_retried(status):
            return unreachable(self._address, f"it answered with HTTP {status}")
        if server.lower().startswith("questdb"):
            return not_questdb(self._address, "it answers on another port of QuestDB, as that of its health check")
        by = f" by {server}" if server else ""
        return not_questdb(self._address, f"it answered with HTTP {status}{by}, not as QuestDB does")

    def _failure(self, error: httpx.HTTPError) -> PapertapeError:
        if isinstance(error, httpx.ConnectTimeout):
            return unreachable(self._address, f"nobody answered within {self._timeout_s:g} s")
        if isinstance(error, httpx.ConnectError):
            return unreachable(self._address, _why_unconnected(error))
        if self._speaks_postgresql():
            return not_questdb(self._address, "it speaks PostgreSQL's protocol: that port belongs behind ?pg=")
        if isinstance(error, httpx.TimeoutException):
            return unreachable(self._address, f"it gave no answer within {self._timeout_s:g} s")
        if isinstance(error, httpx.RemoteProtocolError) and "disconnected" not in str(error):
            return not_questdb(self._address, "it does not speak HTTP")
        return unreachable(self._address, str(error) or type(error).__name__)

    def _speaks_postgresql(self) -> bool:
        try:
            with socket.create_connection((self._address.host, self._address.http_port), timeout=1) as connection:
                connection.sendall(_SSL_REQUEST)
                return connection.recv(1) in (b"N", b"S")
        except OSError:  # it does not, whatever it does
            return False


def unreachable(address: QuestAddress, why: str) -> Unavailable:
    """Return the error for a server that does not answer; the same request may succeed later."""
    return Unavailable(
        f"QuestDB at {address.location} does not answer: {why.rstrip('.')}. Check that the server runs there and that "
        "the address is right.",
        code="store.mirror_unreachable",
    )


def wrong_credentials(address: QuestAddress, status: int = HTTPStatus.UNAUTHORIZED) -> Invalid:
    """Return the error for a server that does not let us in."""
    return Invalid(
        f"QuestDB at {address.location} does not accept the user and password (HTTP {int(status)}). Give those of its "
        "server.conf (http.user and http.password, pg.user and pg.password, which must be the same) as "
        f"questdb://user:password@{address.http_host}.",
        code="store.mirror_credentials",
        path="store",
    )


def not_questdb(address: QuestAddress, why: str) -> Invalid:
    """Return the error for a server that is something else than QuestDB, or another of its ports."""
    return Invalid(
        f"What answers at {address.location} is not QuestDB's HTTP port: {why.rstrip('.')}. Give the host and the "
        f"port of QuestDB's HTTP server, {HTTP_PORT} unless its server.conf says otherwise (http.bind.to), without "
        "TLS.",
        code="store.not_questdb",
        path="store",
    )


def _why_unconnected(error: httpx.ConnectError) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, socket.gaierror):
            return "no host of this name is known"
        if isinstance(cause, ConnectionRefusedError):
            return "nobody listens on that port"
        cause = cause.__cause__ or cause.__context__
    return str(error)


def _is_retried(status: int) -> bool:
    return status in _RETRIED or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _short(sql: str) -> str:
    return sql if len(sql) <= _SHOWN else f"{sql[:_SHOWN]} …"
