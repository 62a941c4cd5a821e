"""One attempt at a connection, from its opening to its end, with its deadline and its verdict of liveness."""

from __future__ import annotations

from typing import Literal

from papertape.client.alarm import Alarm, Moment, earliest
from papertape.client.closes import Closer, CloseRecord, TransportEnd
from papertape.client.limits import ClientLimits
from papertape.client.liveness import Liveness
from papertape.wire.http import Transport
from papertape.wire.stream import Bye, Welcome

Concern = Literal["probe", "dead", "no_welcome", "poll"]


class Link:
    """What is known of one attempt. `requested`: the topics that this connection was asked for."""

    def __init__(self, number: int, carrier: Transport, limits: ClientLimits, now: Moment) -> None:
        self._limits = limits
        self._deadline = Alarm()
        self._next_poll = Alarm()
        self._polled_at = now.at
        self._opened_at = now.at
        self._liveness = Liveness(limits)
        self.number = number
        self.carrier = carrier
        self.requested: set[str] = set()
        self.conn: str | None = None
        self.welcomed_at: float | None = None
        self.bye: Bye | None = None
        self._deadline.set(now.at + limits.deadline_s)

    @property
    def next_at(self) -> float | None:
        """Return when `passed` has something to say."""
        return earliest((self._deadline.due, self._next_poll.due, self._liveness.next_at))

    @property
    def is_between_polls(self) -> bool:
        """Return whether a poll was answered and the next one has not begun."""
        return self._next_poll.due is not None

    def on_frame(self, now: Moment) -> None:
        """Take any frame as life."""
        self._liveness.on_frame(now.at)

    def on_welcome(self, welcome: Welcome, now: Moment) -> bool:
        """Take a welcome; return whether it is the first of this link: every poll has one."""
        self.conn = welcome.conn
        if self.welcomed_at is not None:
            return False
        self.welcomed_at = now.at
        self._deadline.clear()
        self._liveness.start(now.at, float(welcome.dead_s))
        return True

    def on_polled(self, now: Moment) -> None:
        """Take the answer to a poll; the next one follows, but not at once."""
        self._next_poll.set(max(now.at, self._polled_at + self._limits.poll_pause_s))

    def check(self, now: Moment) -> bool:
        """Return whether a probe is to be sent because the machine or the network woke up."""
        return self._liveness.check(now.at) is not None

    def passed(self, now: Moment, *, is_visible: bool) -> Concern | None:
        """Take the time; return what to do about this link now."""
        late = self._deadline.take(now.at)
        if late is not None:
            if late <= self._limits.late_s:
                return "no_welcome"
            self._deadline.set(now.at + self._limits.deadline_s)
        if self._next_poll.take(now.at) is not None:
            self._polled_at = now.at
            return "poll"
        return self._liveness.passed(now.at, is_visible=is_visible)

    def record(self, end: TransportEnd, now: Moment, by: Closer | None = None) -> CloseRecord:
        """Return how it ended. What the desk said in its `bye` goes before what the carrier was told."""
        code, reason, closer = end.code, end.reason, by or end.by
        if self.bye is not None and by is None:
            code, reason, closer = self.bye.code, self.bye.reason, "server"
        is_welcome = self.welcomed_at is not None
        return CloseRecord(
            at=now.wall,
            conn=self.conn,
            transport=self.carrier,
            code=code,
            by=closer,
            reason=reason or "no reason given",
            alive_s=None if self.welcomed_at is None else now.at - self.welcomed_at,
            age_s=now.at - self._opened_at,
            silent_s=self._liveness.silent_s(now.at) if is_welcome else None,
        )

    def retry_s(self, end: TransportEnd) -> float:
        """Return how long the other side asked to stay away."""
        return max(end.retry_s, self.bye.retry_ms / 1000 if self.bye is not None else 0.0)
