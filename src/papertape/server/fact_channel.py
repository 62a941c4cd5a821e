"""The facts of one session on their way to clients: a ring of encoded publications, backed by the store."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from papertape.errors import PapertapeError
from papertape.model.events import AnyEvent
from papertape.model.tables import TABLE_OF
from papertape.server.desk_port import DeskPort
from papertape.server.fact_lane import FactLane, Published
from papertape.server.frames import encode_record
from papertape.server.settings import StreamLimits
from papertape.wire.topics import FACT_TABLES, Topic


class FactChannel:
    """Numbers, encodes and keeps what was published: one lane a topic, all of them together one ring.

    A lane is filled from the store once, when the first client asks for its topic; from then on snapshots and resumes
    come from memory, however many clients come back at once. What left the ring is in the store.
    """

    def __init__(self, session_id: str, desk: DeskPort, limits: StreamLimits) -> None:
        self._desk = desk
        self._limits = limits
        self.session_id = session_id
        self.epoch, self.last_seq = desk.position(session_id)
        self.topics = tuple(f"session/{session_id}/{name}" for name in FACT_TABLES)
        self.idle_since: float | None = None  # in monotonic seconds; None while anybody listens
        self._lanes: dict[str, FactLane] = {}
        # all lanes filled take half of the ring
        self._fill_limit = max(limits.snapshot_facts, limits.ring_events // (2 * len(FACT_TABLES)))
        self._order: deque[FactLane] = deque()  # the lane of each entry in the ring, oldest first

    def publish(self, events: Sequence[AnyEvent], ts: int, now: float) -> list[Published]:
        """Return the encoded publications of facts that are new here, in order; facts without a topic have none."""
        published = []
        for event in events:
            name = TABLE_OF[type(event)].topic
            if event.seq <= self.last_seq:
                continue
            before, self.last_seq = self.last_seq, event.seq
            if name is None:
                continue
            lane = self._lane(name, before)
            if lane.head is None:
                lane.head = self._head_before(name, event.seq, lane.floor)
            published.append(lane.append(event.seq, encode_record(event), ts, now))
            self._order.append(lane)
        self._forget(now)
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
        self.last_seq = seq
        self._lanes.clear()
        self._order.clear()

    def resume(self, topic: Topic, seq: int, ts: int, now: float) -> tuple[int, list[bytes]] | None:
        """Return every publication on `topic` after `seq` and the position they lead to.

        None means that a snapshot must be taken instead.

        Raises:
            Unavailable: the store does not answer and the ring does not reach back far enough.
        """
        if seq > self.last_seq:
            return None
        lane = self._lane(topic.name, self.last_seq)
        if seq < lane.floor and self._has_room(lane):
            self._fill(lane, topic.name, ts, now)
        if seq < lane.floor:
            return self._resume_from_store(topic, seq, ts)
        frames = lane.after(seq, self._limits.resume_bytes)
        return None if frames is None else (max(seq, lane.head or 0), frames)

    def snapshot(self, topic: Topic, ts: int, now: float) -> list[bytes]:
        """Return the newest facts of a topic, oldest first, as pages true at `last_seq`; the same to all who ask now.

        Raises:
            Unavailable: the store does not answer.
        """
        lane = self._lane(topic.name, self.last_seq)
        if not lane.is_filled:
            self._fill(lane, topic.name, ts, now)
        return lane.snapshot(self.last_seq, self._limits.frame_bytes)

    def _lane(self, name: str, floor: int) -> FactLane:
        lane = self._lanes.get(name)
        if lane is None:
            topic = f"session/{self.session_id}/{name}"
            lane = self._lanes[name] = FactLane(topic, self.epoch, floor, self._limits.snapshot_facts)
        return lane

    def _has_room(self, lane: FactLane) -> bool:
        return len(lane) < self._fill_limit and len(self._order) + self._fill_limit <= self._limits.ring_events

    def _fill(self, lane: FactLane, name: str, ts: int, now: float) -> None:
        limit = self._fill_limit
        facts = self._desk.facts(
            self.session_id, FACT_TABLES[name], until=self.last_seq, limit=limit, newest_first=True
        )
        rows = [(fact.seq, encode_record(fact)) for fact in reversed(facts)]
        added = lane.fill(rows, ts, now, is_whole=len(rows) < limit)
        self._order.extendleft([lane] * added)
        self._forget(now)

    def _resume_from_store(self, topic: Topic, seq: int, ts: int) -> tuple[int, list[bytes]] | None:
        limit = self._limits.resume_events
        table = FACT_TABLES[topic.name]
        facts = self._desk.facts(self.session_id, table, after=seq, until=self.last_seq, limit=limit + 1)
        if len(facts) > limit:
            return None
        lane = FactLane(topic.text, self.epoch, seq, 0, head=seq)
        frames = [lane.append(fact.seq, encode_record(fact), ts, 0.0).frame for fact in facts]
        return lane.head or seq, frames

    def _head_before(self, name: str, seq: int, floor: int) -> int:
        try:
            before = self._desk.facts(self.session_id, FACT_TABLES[name], until=seq - 1, limit=1, newest_first=True)
        except PapertapeError:
            return floor  # unknown, so claim the most: a client that is not there asks again by position
        return before[0].seq if before else 0

    def _forget(self, now: float) -> None:
        limits, order = self._limits, self._order
        while order and (len(order) > limits.ring_events or now - order[0].oldest_at > limits.ring_s):
            order.popleft().drop_oldest()
