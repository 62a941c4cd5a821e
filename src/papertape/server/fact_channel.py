"""The facts of one session on their way to clients: a ring of encoded publications, backed by the store."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import msgspec

from papertape.errors import Unavailable
from papertape.model.events import AnyEvent
from papertape.model.tables import TABLE_OF, Table
from papertape.server.desk_port import DeskPort
from papertape.server.frames import encode_record, pub_fact, snap_pages
from papertape.server.settings import StreamLimits
from papertape.wire.topics import FACT_TABLES, Topic


class Published(msgspec.Struct, frozen=True, gc=False):
    """One encoded publication. `at` is the monotonic second it was made."""

    topic: str
    seq: int
    frame: bytes
    at: float


class FactChannel:
    """Numbers, encodes and keeps what was published. Everything after `floor` is in the ring; older is in the store."""

    def __init__(self, session_id: str, desk: DeskPort, limits: StreamLimits) -> None:
        self._desk = desk
        self._limits = limits
        self.session_id = session_id
        self.epoch, self.floor = desk.position(session_id)
        self._ring: deque[Published] = deque()
        self._heads: dict[str, int] = {}
        self.last_seq = self.floor

    def publish(self, events: Sequence[AnyEvent], ts: int, now: float) -> list[Published]:
        """Return the encoded publications of facts that are new here, in order; facts without a topic have none."""
        published = []
        for event in events:
            name = TABLE_OF[type(event)].topic
            if event.seq <= self.last_seq:
                continue
            self.last_seq = event.seq
            if name is None:
                continue
            topic = f"session/{self.session_id}/{name}"
            prev = self._head_before(name, event.seq)
            frame = pub_fact(topic, self.epoch, event.seq, ts, encode_record(event), prev)
            self._heads[name] = event.seq
            published.append(Published(topic, event.seq, frame, now))
        self._keep(published, now)
        return published

    def missed(self, seq: int) -> list[AnyEvent]:
        """Return durable facts up to `seq` that were never handed over here; when all is well there are none.

        Raises:
            Unavailable: the store does not answer.
        """
        if seq <= self.last_seq:
            return []
        found: list[AnyEvent] = []
        limit = self._limits.ring_events
        for table in FACT_TABLES.values():
            facts = self._desk.facts(self.session_id, table, after=self.last_seq, until=seq, limit=limit)
            if len(facts) == limit:
                self.start_after(seq)
                return []
            found += facts
        return sorted(found, key=lambda fact: fact.seq)

    def start_after(self, seq: int) -> None:
        """Leave everything up to `seq` to the store; who is not there finds out by `prev` and asks by position."""
        self.floor = self.last_seq = seq
        self._ring.clear()
        self._heads.clear()

    def resume(self, topic: Topic, seq: int, ts: int) -> tuple[int, list[bytes]] | None:
        """Return every publication on `topic` after `seq` and the position they lead to.

        None means that a snapshot must be taken instead.

        Raises:
            Unavailable: the store does not answer and the ring does not reach back far enough.
        """
        if seq > self.last_seq:
            return None
        if seq >= self.floor:
            entries = [entry for entry in self._ring if entry.seq > seq and entry.topic == topic.text]
            if len(entries) > self._limits.resume_events:
                return None
            return entries[-1].seq if entries else seq, [entry.frame for entry in entries]
        limit = self._limits.resume_events
        table = FACT_TABLES[topic.name]
        facts = self._desk.facts(self.session_id, table, after=seq, until=self.last_seq, limit=limit + 1)
        if len(facts) > limit:
            return None
        frames = []
        for fact in facts:
            frames.append(pub_fact(topic.text, self.epoch, fact.seq, ts, encode_record(fact), seq))
            seq = fact.seq
        return seq, frames

    def snapshot(self, topic: Topic) -> list[bytes]:
        """Return the newest facts of a topic, oldest first, as pages true at `last_seq`.

        Raises:
            Unavailable: the store does not answer.
        """
        newest = self._desk.facts(
            self.session_id,
            FACT_TABLES[topic.name],
            until=self.last_seq,
            limit=self._limits.snapshot_facts,
            newest_first=True,
        )
        rows = [encode_record(fact) for fact in reversed(newest)]
        return snap_pages(topic.text, self.epoch, self.last_seq, rows, self._limits.frame_bytes)

    def _head_before(self, name: str, seq: int) -> int:
        known = self._heads.get(name)
        if known is not None:
            return known
        table: Table = FACT_TABLES[name]
        try:
            before = self._desk.facts(self.session_id, table, until=seq - 1, limit=1, newest_first=True)
        except Unavailable:
            return seq - 1  # unknown, so claim the most: a client that is not there asks again by position
        return before[0].seq if before else 0

    def _keep(self, published: Sequence[Published], now: float) -> None:
        self._ring.extend(published)
        while self._ring and (
            len(self._ring) > self._limits.ring_events or now - self._ring[0].at > self._limits.ring_s
        ):
            self.floor = self._ring.popleft().seq
