"""The records of stream connections: live ones, and who closed the ended ones and why."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from typing import Literal, get_args

import msgspec

from papertape.wire.close import CLOSE_CODES
from papertape.wire.http import Connections, ConnectionView, StreamHealth, Transport
from papertape.wire.stream import PreviousClose

Closer = Literal["server", "client", "network"]
_STORY_CHARS = 200


class Connection:
    """The changing figures of one connection. Times in microseconds UTC, from the injected clock."""

    def __init__(self, conn_id: str, peer: str, transport: Transport, opened_ts: int, agent: str = "") -> None:
        self.id = conn_id
        self.peer = peer
        self.agent = agent
        self.transport: Transport = transport
        self.opened_ts = opened_ts
        self.last_rx_ts = opened_ts
        self.heard_at = 0.0  # in seconds in which the loop ran
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
        self.ending_ts: int | None = None
        self.closed_ts: int | None = None
        self.closed_by: Closer | None = None
        self.code: int | None = None
        self.reason = ""
        self.client_story: PreviousClose | None = None

    def hear(self, ts: int, attentive_s: float) -> None:
        """Take note that the client said something."""
        self.last_rx_ts, self.heard_at = ts, attentive_s

    def end(self, ts: int, by: Closer, code: int, reason: str) -> None:
        """Take who ends it and why; ages are counted up to here, though its goodbye may take longer."""
        self.ending_ts, self.closed_by, self.code, self.reason = ts, by, code, reason

    def view(self, now_ts: int) -> ConnectionView:
        """Return the record as of `now_ts`, or as of its end."""
        at = self.ending_ts if self.ending_ts is not None else now_ts
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
    """Every live connection and the newest ended ones. The first cause recorded for an end is kept.

    The ids of this process' connections begin with `mark`, so that a client's story about one that is no longer kept is
    not taken for one about a connection before a restart.
    """

    def __init__(self, history: int, mark: str = "c-") -> None:
        self._mark = mark
        self.opened_total = 0
        self._live: dict[str, Connection] = {}
        self._ended: deque[Connection] = deque(maxlen=history)
        self.closes: Counter[tuple[Closer, int]] = Counter()

    def opened(self, connection: Connection) -> None:
        """Add a live connection."""
        self._live[connection.id] = connection
        self.opened_total += 1

    def ended(self, connection: Connection, now_ts: int, by: Closer, code: int, reason: str) -> None:
        """Record who closed a connection and why; later causes of the same end are ignored."""
        if self._live.pop(connection.id, None) is None:
            return
        if connection.ending_ts is None:
            connection.end(now_ts, by, code, reason)
        connection.closed_ts = connection.ending_ts
        self._ended.append(connection)
        self.closes[(by, code)] += 1

    def join_story(self, story: PreviousClose, teller: Connection, now_ts: int) -> None:
        """Keep what a client saw of the end of its previous connection beside what we saw.

        Of a connection of the process before this one the client's story is all there is: it becomes a record.
        """
        conn_id = (story.conn or "")[:_STORY_CHARS]
        if not conn_id:
            return
        story = msgspec.structs.replace(
            story, conn=conn_id, reason=story.reason[:_STORY_CHARS], transport=story.transport[:20]
        )
        for connection in self:
            if connection.id == conn_id:
                connection.client_story = story
                return
        if not conn_id.startswith(self._mark):
            self._ended.append(_as_told(story, teller, now_ts))

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


def _as_told(story: PreviousClose, teller: Connection, now_ts: int) -> Connection:
    known = [transport for transport in get_args(Transport) if transport == story.transport]
    opened_ts = now_ts - 1000 * max(0, story.age_ms or 0)
    told = Connection(story.conn or "", teller.peer, known[0] if known else "websocket", opened_ts, teller.agent)
    told.tab = teller.tab
    told.told_by = "client"
    told.last_rx_ts = now_ts
    by: Closer = "network" if story.code is None else "server" if story.code in CLOSE_CODES else "client"
    told.end(now_ts, by, story.code or 1006, story.reason or "The client saw no reason.")
    told.closed_ts = now_ts
    told.client_story = story
    return told
