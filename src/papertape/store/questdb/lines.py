"""Sends rows to QuestDB in its line protocol over HTTP: one table and one transaction a flush."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, cast

import msgspec
from questdb import QuestDBError, QuestDBErrorCode, Sender, TimestampMicros

from papertape.errors import Broken, PapertapeError, Unavailable
from papertape.model.tables import Table
from papertape.store.questdb.address import QuestAddress
from papertape.store.questdb.statements import not_questdb, unreachable, wrong_credentials
from papertape.store.rows import Row
from papertape.store.schema import Scalar, columns_of

_NO_LONG = -(2**63)  # QuestDB's NULL of this type
_LAST_TIME = 253_402_300_800_000_000  # the year 10000
_PROTOCOL = 2  # doubles go as their eight bytes
_REASON = re.compile(r"\bcode\W+([a-z][a-z ]*)")  # as the server names it; the client keeps the HTTP status for itself
_OWN_FAULT = "internal error"  # as with a full disk; rows that are wrong are "invalid"

_Value = str | bool | int | float | None


class _Buffer(Protocol):
    def row(
        self,
        table_name: str,
        *,
        columns: dict[str, _Value],
        at: TimestampMicros,
    ) -> object: ...


class _Sender(Protocol):
    """What is used of the client, whose own stubs leave most types out."""

    def establish(self) -> None: ...
    def new_buffer(self) -> _Buffer: ...
    def flush(self, buffer: _Buffer, clear: bool, transactional: bool) -> None: ...
    def close(self, flush: bool) -> None: ...


class _Layout(msgspec.Struct, frozen=True):
    """Where a table's values are in its rows, and what each must pass.

    Symbols are sent as texts: the server makes them symbols, at the same speed, and the protocol's own symbols cannot
    hold every character.
    """

    time: int
    values: tuple[tuple[str, int, Callable[[Scalar], _Value]], ...]
    key: tuple[tuple[str, int], ...]


class LineSender:
    """Sends rows to one server; it connects with the first rows, and anew after a failure. For one thread.

    Args:
        address: The server.
        timeout_s: How long a flush may take, beside the time its bytes need at 100 kB/s.
    """

    def __init__(self, address: QuestAddress, *, timeout_s: float = 5.0) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._sender: _Sender | None = None
        self._layouts: dict[str, _Layout] = {}

    def send(self, table: Table, rows: Sequence[Row]) -> None:
        """Send rows in the order of the table's columns as one transaction; returns once they are acknowledged.

        What was sent twice is one row. None is left out, which QuestDB reads as NULL.

        Raises:
            Unavailable: nothing answers in time (`store.mirror_unreachable`), or the server cannot write this table
                now (`store.mirror_unwritable`); send the same rows again.
            Invalid: the user or password is wrong (`store.mirror_credentials`), or what answers is no QuestDB
                (`store.not_questdb`).
            Broken: the server refuses the rows, or one of them holds what QuestDB cannot (`store.mirror_rejected`);
                none of them was stored.
        """
        if not rows:
            return
        try:
            sender = self._connected()
            buffer = sender.new_buffer()
            self._fill(buffer, table, rows)
            sender.flush(buffer, clear=False, transactional=True)
        except QuestDBError as error:
            self.close()
            raise self._failure(table, error) from error

    def close(self) -> None:
        """Close the connection; idempotent, and `send` opens another."""
        sender, self._sender = self._sender, None
        if sender is not None:
            sender.close(flush=False)

    def _connected(self) -> _Sender:
        if self._sender is None:
            timeout_ms = int(self._timeout_s * 1000)
            conf = (
                f"http::addr={self._address.http_host};auto_flush=off;retry_timeout=0;"
                f"protocol_version={_PROTOCOL};request_timeout={timeout_ms};"
            )
            made = Sender.from_conf(conf, username=self._address.user, password=self._address.password)
            sender = cast("_Sender", made)
            sender.establish()
            self._sender = sender
        return self._sender

    def _fill(self, buffer: _Buffer, table: Table, rows: Sequence[Row]) -> None:
        layout = self._layouts.get(table.name) or _layout(table)
        self._layouts[table.name] = layout
        for row in rows:
            try:
                columns = {name: check(row[index]) for name, index, check in layout.values}
                buffer.row(table.name, columns=columns, at=_moment(row[layout.time]))
            except (ValueError, TypeError, UnicodeError, QuestDBError) as error:
                raise _unsendable(table, layout, row, error) from error

    def _failure(self, table: Table, error: QuestDBError) -> PapertapeError:
        said = str(error)
        code = error.code
        if code is QuestDBErrorCode.AuthError:
            return wrong_credentials(self._address)
        if code is QuestDBErrorCode.HttpNotSupported:
            return not_questdb(self._address, said)
        if code is not QuestDBErrorCode.ServerFlushError:
            return unreachable(self._address, said)
        reason = _REASON.search(said)
        if reason is None:
            return unreachable(self._address, f"it sent no answer of QuestDB's but: {said}")
        if reason[1] == _OWN_FAULT:
            return Unavailable(
                f"QuestDB at {self._address.location} could not store rows of table {table.name}: {said}. They stay in "
                "the journal and are sent again; look at the server's disk and its log.",
                code="store.mirror_unwritable",
            )
        return Broken(
            f"QuestDB at {self._address.location} refused rows of table {table.name}: {said}. None of them was stored; "
            "the journal keeps them. Run papertape store migrate if its tables differ from what papertape declares.",
            code="store.mirror_rejected",
        )


def _layout(table: Table) -> _Layout:
    places = {column.name: index for index, column in enumerate(columns_of(table))}
    return _Layout(
        time=places[table.time],
        values=tuple(
            (column.name, places[column.name], _CHECKS.get(column.logical, _as_it_is))
            for column in columns_of(table)
            if column.name != table.time
        ),
        key=tuple((name, places[name]) for name in table.key),
    )


def _as_it_is(value: Scalar) -> _Value:
    if isinstance(value, bytes):
        raise ValueError("bytes cannot be sent")
    return value


def _integer(value: Scalar) -> _Value:
    if value is not None and not (isinstance(value, int) and _NO_LONG < value < -_NO_LONG):
        raise ValueError(f"{value!r} does not fit in a 64-bit integer")
    return value


def _real(value: Scalar) -> _Value:
    if value is None:
        return None
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{number!r} is no number that QuestDB can hold")
    return number


def _boolean(value: Scalar) -> _Value:
    if value is None:
        raise ValueError("a boolean is unset")
    return bool(value)


_CHECKS: Mapping[str, Callable[[Scalar], _Value]] = {"integer": _integer, "real": _real, "boolean": _boolean}


def _moment(value: Scalar) -> TimestampMicros:
    if not isinstance(value, int) or not 0 <= value < _LAST_TIME:
        raise ValueError(f"{value!r} is no time between the years 1970 and 9999 in microseconds")
    return TimestampMicros(value)


def _unsendable(table: Table, layout: _Layout, row: Row, error: Exception) -> Broken:
    key = ", ".join(f"{name} {row[index]!r}" for name, index in layout.key)
    return Broken(
        f"The row of table {table.name} with {key} cannot be sent to QuestDB: {str(error).rstrip('.')}. Nothing "
        "was sent; the journal keeps it. Report this with the log.",
        code="store.mirror_rejected",
    )
