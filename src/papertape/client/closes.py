"""Every end of a connection as this client saw it."""

from __future__ import annotations

from collections import deque
from typing import Literal

import msgspec

from papertape.wire.http import Transport
from papertape.wire.stream import PreviousClose

Closer = Literal["client", "server", "network"]

DONE = 1000
DEAD = 4900
"""Silent, probed, and still silent."""
NO_WELCOME = 4901
GARBLED = 4902
"""The other side sent what is not the protocol."""

_NOT_SAID = frozenset({1005, 1006})


class TransportEnd(msgspec.Struct, frozen=True, kw_only=True):
    """How a carrier ended, as far as it was told. `retry_s`: the other side said how long to stay away."""

    code: int | None = None
    reason: str = ""
    retry_s: float = 0.0

    @property
    def by(self) -> Closer:
        """Return who closed: a code that was said is the server's."""
        return "network" if self.code is None or self.code in _NOT_SAID else "server"


class CloseRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One ended connection or failed attempt. `at` is this machine's clock, seconds since 1970.

    `alive_s` counts from the welcome and is None when there was none; `age_s` counts from the attempt's beginning;
    `silent_s` is the time since the last frame.
    """

    at: float
    conn: str | None
    transport: Transport
    code: int | None
    by: Closer
    reason: str
    alive_s: float | None
    age_s: float
    silent_s: float | None

    def told(self) -> PreviousClose:
        """Return it as the next `hello` tells it."""
        age_s = self.age_s if self.alive_s is None else self.alive_s
        return PreviousClose(
            conn=self.conn,
            code=self.code,
            reason=self.reason,
            age_ms=round(age_s * 1000),
            silent_ms=None if self.silent_s is None else round(self.silent_s * 1000),
            transport=self.transport,
        )


class CloseLog:
    """The newest ends, and what the next `hello` tells of them: the last connection that lived, and attempts since."""

    def __init__(self, kept: int = 100) -> None:
        self._records: deque[CloseRecord] = deque(maxlen=kept)
        self.last: PreviousClose | None = None
        self._is_told = True

    @property
    def records(self) -> tuple[CloseRecord, ...]:
        """Return them, newest first."""
        return tuple(reversed(self._records))

    @property
    def untold(self) -> PreviousClose | None:
        """Return what no desk has welcomed us with yet."""
        return None if self._is_told else self.last

    def add(self, record: CloseRecord) -> None:
        """Keep an end."""
        self._records.append(record)
        if record.conn is not None or self.last is None or self._is_told:
            attempts = 0 if record.conn is not None else 1
            self.last = msgspec.structs.replace(record.told(), attempts=attempts)
        else:
            self.last = msgspec.structs.replace(self.last, attempts=self.last.attempts + 1)
        self._is_told = False

    def on_welcome(self) -> None:
        """Take that the desk was told."""
        self._is_told = True
