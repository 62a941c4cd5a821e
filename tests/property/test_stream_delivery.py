"""Whatever is cut, restarted, missed or read slowly: every fact once, in order per topic, and never a silent hole."""

from __future__ import annotations

from typing import Literal, assert_never, cast

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from papertape.client.cursor import Cursor
from papertape.model.events import AlertRaised, AnyEvent, EquityMarked, OrderFilled
from papertape.model.tables import TABLE_OF
from papertape.server.frames import joined
from papertape.server.hub import StreamHub
from papertape.server.settings import StreamLimits
from papertape.testkit.facts import fact
from papertape.testkit.manual_time import ManualTime
from papertape.testkit.slow_desk import LoopTurns, SlowDesk
from papertape.testkit.stream_probe import HubBench, StreamProbe, session_topic
from papertape.wire.stream import Bye, Heartbeat, Hello, Pub, ServerMessage, Snap, Sub, Subscribed

TOPICS = (session_topic("fills"), session_topic("alerts"))
LIMITS = StreamLimits(ring_events=5, queue_messages=8, resume_events=6, frame_bytes=900, snapshot_facts=10_000)

_decoder: msgspec.json.Decoder[ServerMessage] = msgspec.json.Decoder(ServerMessage)
BRIEF = msgspec.structs.replace(LIMITS, ring_events=40_000, ring_s=5.0)  # what left the ring is filled in again

Step = tuple[Literal["publish", "miss", "read", "take", "cut", "restart", "wait", "turn"], int]

_names = st.sampled_from(["publish", "publish", "read", "take", "miss", "cut", "restart", "wait", "turn", "turn"])
steps = st.lists(st.tuples(_names, st.integers(1, 9)), max_size=40)


class Follower:
    """A client by the book: it keeps its cursors, asks again at a hole, and comes back after every end."""

    def __init__(self, bench: HubBench) -> None:
        self.bench = bench
        self.seen: dict[str, list[int]] = {topic: [] for topic in TOPICS}
        self.cursors = {topic: Cursor(topic, is_fact=True) for topic in TOPICS}
        self.probe = self.connected()

    def connected(self) -> StreamProbe:
        probe = self.bench.probe()
        probe.say(Hello(v=1, tab="t", subs=tuple(cursor.request() for cursor in self.cursors.values())))
        return probe

    def come_back(self) -> None:
        self.probe.subscriber.end("network", 1006, "cut")
        self.bench.hub.disconnected(self.probe.subscriber)
        self.bench.time.advance(1.0)
        self.probe = self.connected()

    def read(self, count: int) -> int:
        return self.take_all(self.probe.read(count))

    def read_joined(self, room: int) -> int:
        frames = self.probe.subscriber.next_frames(room)
        assert len(frames) < 2 or len(joined(frames)) <= room + 1  # two brackets, one separator fewer than messages
        return self.take_all([_decoder.decode(frame) for frame in frames])

    def take_all(self, messages: list[ServerMessage]) -> int:
        for message in messages:
            if isinstance(message, Bye):
                self.come_back()
                break
            self.take(message)
        return len(messages)

    def take(self, message: ServerMessage) -> None:
        if isinstance(message, Heartbeat):
            behind = [topic for topic, head in message.heads.items() if self.cursors[topic].on_head(head)]
            self.ask(*behind)
        elif isinstance(message, Subscribed):
            self.cursors[message.topic].on_subscribed(message)
        elif isinstance(message, Snap):
            kept = self.seen[message.topic] if message.page > 1 else []
            self.seen[message.topic] = [*kept, *(row["seq"] for row in message.data)]
            self.cursors[message.topic].on_snap(message)
        elif isinstance(message, Pub):
            verdict = self.cursors[message.topic].on_pub(message)
            if verdict == "new":
                self.seen[message.topic].append(message.seq)
            elif verdict == "hole":
                self.ask(message.topic)

    def ask(self, *topics: str) -> None:
        if topics:
            self.probe.say(Sub(subs=tuple(self.cursors[topic].request() for topic in topics)))


class Story:
    """A desk, its hub and one follower, driven step by step."""

    def __init__(self, limits: StreamLimits = LIMITS, answer_s: float = 0.0) -> None:
        time, self.turns = ManualTime(), LoopTurns()
        self.bench = HubBench(limits, desk=SlowDesk(time, answer_s), time=time, soon=self.turns)
        self.published: list[AnyEvent] = []
        self.follower = Follower(self.bench)

    def run(self, step: Step) -> None:
        name, count = step
        if name == "publish":
            self.publish(count)
        elif name == "miss":
            outlets, self.bench.desk.outlets = self.bench.desk.outlets, []
            self.publish(count)
            self.bench.desk.outlets = outlets
        elif name == "read":
            self.follower.read(count)
        elif name == "take":
            self.follower.read_joined(count * 400)
        elif name == "cut":
            self.follower.come_back()
        elif name == "restart":
            self.restart()
        elif name == "turn":
            self.turns.turn()
        elif name == "wait":
            self.bench.pass_time(float(count), step=1.0)
        else:
            assert_never(name)

    def publish(self, count: int) -> None:
        first = len(self.published) + 1
        events: list[AnyEvent] = []
        for seq in range(first, first + count):
            kind = (OrderFilled, AlertRaised, EquityMarked)[seq * 7 % 5 % 3]
            events.append(cast(AnyEvent, fact(kind, seq)))  # every kind above is one of AnyEvent
        self.published += events
        self.bench.desk.publish(*events)

    def restart(self) -> None:
        bench = self.bench
        bench.hub = StreamHub(
            bench.desk, bench.hub.limits, clock=bench.time.clock, monotonic=bench.time.monotonic, soon=self.turns
        )
        bench.desk.outlets = [bench.hub]
        self.follower.probe = self.follower.connected()

    def settle(self) -> None:
        for _ in range(20):
            for _ in range(50):
                if not self.follower.read(1_000) and not self.turns.turn():
                    break
            self.bench.pass_time(11.0, step=1.0)

    def expected(self) -> dict[str, list[int]]:
        topics = {topic: topic.rpartition("/")[2] for topic in TOPICS}
        return {
            topic: [event.seq for event in self.published if TABLE_OF[type(event)].topic == name]
            for topic, name in topics.items()
        }


@settings(max_examples=150, deadline=None)
@given(steps, st.sampled_from([LIMITS, BRIEF]), st.sampled_from([0.0, 0.004]))
def test_every_fact_arrives_once_and_in_order_whatever_happens_on_the_way(
    story_steps: list[Step], limits: StreamLimits, answer_s: float
) -> None:
    story = Story(limits, answer_s)
    for step in story_steps:
        story.run(step)
        for seqs in story.follower.seen.values():
            assert seqs == sorted(set(seqs))
    story.settle()
    assert story.follower.seen == story.expected()


def test_the_follower_notices_what_a_hub_would_hide() -> None:
    story = Story()
    story.follower.read(1_000)
    story.publish(3)
    hidden = [pub for pub in story.follower.probe.read() if isinstance(pub, Pub)]
    story.follower.take(hidden[-1])
    assert msgspec.structs.asdict(hidden[-1])["prev"] is not None
    story.settle()
    assert story.follower.seen == story.expected()
