"""The records of stream connections: live ones, and who closed the ended ones and why."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from typing import Literal

from papertape.wire.http import Connections, ConnectionView, StreamHealth, Transport
from papertape.wire.stream import PreviousClose

Closer = Literal["server", "client", "network"]


class Connection:
    """The changing figures of one connection. Times in microseconds UTC, from the injected clock."""

    def __init__(self, conn_id: str, peer: str, transport: Transport, opened_ts: int, agent: str = "") -> None:
        self.id = conn_id
        self.peer = peer
        self.agent = agent
        self.transport: Transport = transport
        self.opened_ts = opened_ts
        self.last_rx_ts = opened_ts
        self.tab = ""
        self.topics = 0
        self.sent = 0
        self.sent_bytes = 0
        self.flush_ms = 0
        self.write_ms = 0
        self.told_by: Literal["desk", "client"] = "desk"
        self.exception: str | None = None
        self.memory_mb: float | None = None
        self.queue_bytes = 0
        self.queue_messages = 0
        self.worst_lag_ms = 0.0
        self.closed_ts: int | None = None
        self.closed_by: Closer | None = None
        self.code: int | None = None
        self.reason = ""
        self.client_story: PreviousClose | None = None

    def view(self, now_ts: int) -> ConnectionView:
        """Return the record as of `now_ts`, or as of its end."""
        at = self.closed_ts if self.closed_ts is not None else now_ts
        return ConnectionView(
            id=self.id,
            tab=self.tab,
            peer=self.peer,
            agent=self.agent,
            transport=self.transport,
            told_by=self.told_by,
            opened_ts=self.opened_ts,
            closed_ts=self.closed_ts,
            closed_by=self.closed_by,
            code=self.code,
            reason=self.reason,
            exception=self.exception,
            age_ms=(at - self.opened_ts) // 1000,
            last_rx_age_ms=(at - self.last_rx_ts) // 1000,
            queue_bytes=self.queue_bytes,
            queue_messages=self.queue_messages,
            flush_ms=self.flush_ms,
            write_ms=self.write_ms,
            worst_lag_ms=self.worst_lag_ms,
            memory_mb=self.memory_mb,
            topics=self.topics,
            sent=self.sent,
            sent_bytes=self.sent_bytes,
            client_story=self.client_story,
        )


class ConnectionBook:
    """Every live connection and the newest ended ones. The first cause recorded for an end is kept."""

    def __init__(self, history: int) -> None:
        self._live: dict[str, Connection] = {}
        self._ended: deque[Connection] = deque(maxlen=history)
        self.closes: Counter[tuple[Closer, int]] = Counter()

    def opened(self, connection: Connection) -> None:
        """Add a live connection."""
        self._live[connection.id] = connection

    def ended(self, connection: Connection, now_ts: int, by: Closer, code: int, reason: str) -> None:
        """Record who closed a connection and why; later causes of the same end are ignored."""
        if self._live.pop(connection.id, None) is None:
            return
        connection.closed_ts = now_ts
        connection.closed_by = by
        connection.code = code
        connection.reason = reason
        self._ended.append(connection)
        self.closes[(by, code)] += 1

    def join_story(self, story: PreviousClose) -> None:
        """Keep what a client saw of the end of its previous connection beside what we saw."""
        for connection in self:
            if connection.id == story.conn:
                connection.client_story = story
                return

    def __iter__(self) -> Iterator[Connection]:
        yield from self._live.values()
        yield from reversed(self._ended)

    def __len__(self) -> int:
        return len(self._live)

    def live_by_transport(self) -> Counter[str]:
        """Return how many connections live on each carrier."""
        return Counter(connection.transport for connection in self._live.values())

    def view(self, now_ts: int, health: StreamHealth) -> Connections:
        """Return both lists, newest first."""
        live = sorted(self._live.values(), key=lambda connection: -connection.opened_ts)
        return Connections(
            live=[connection.view(now_ts) for connection in live],
            ended=[connection.view(now_ts) for connection in reversed(self._ended)],
            health=health,
        )
