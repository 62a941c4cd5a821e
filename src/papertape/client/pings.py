"""Pings under way, and the server's clock that their answers tell."""

from __future__ import annotations

from papertape.client.alarm import Moment
from papertape.client.server_clock import ServerClock
from papertape.wire.stream import Ping, Pong

_KEPT = 16


class Pings:
    """Numbers pings and remembers when each was sent."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._sent: dict[int, float] = {}
        self._next = 1
        self._last_at: float | None = None
        self.clock = ServerClock()

    def is_due(self, now: Moment) -> bool:
        """Return whether the last measurement is old enough for another."""
        return self._last_at is None or now.at - self._last_at >= self._every_s

    def ping(self, now: Moment) -> Ping:
        """Return the next ping, sent now."""
        number, self._next = self._next, self._next + 1
        self._last_at = now.at
        self._sent[number] = now.at
        self._sent.pop(number - _KEPT, None)
        return Ping(id=number)

    def on_pong(self, pong: Pong, now: Moment) -> None:
        """Take an answer; one that was not asked for says nothing."""
        sent = self._sent.pop(pong.id, None)
        if sent is not None:
            self.clock.on_round_trip(pong.srv_ts, now.wall, now.at - sent)

    def forget(self) -> None:
        """Expect no answers any more."""
        self._sent.clear()
