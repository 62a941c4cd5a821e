"""Whatever is published, cut, blocked and unblocked: the client shows every fact once, in order, on any carrier."""

from __future__ import annotations

import random
from typing import Literal, assert_never, cast

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from papertape.client.actions import Action, Close, Open, Send
from papertape.client.alarm import Moment
from papertape.client.closes import TransportEnd
from papertape.client.connection import StreamConnection
from papertape.client.subscriptions import Subscriptions
from papertape.model.events import AlertRaised, AnyEvent, OrderFilled
from papertape.server.settings import StreamLimits
from papertape.testkit.facts import fact
from papertape.testkit.stream_probe import HubBench, StreamProbe, session_topic
from papertape.wire.stream import Bye, Pub, Snap

TOPICS = (session_topic("fills"), session_topic("alerts"))
LIMITS = StreamLimits(ring_events=5, queue_messages=8, resume_events=6, frame_bytes=900, snapshot_facts=10_000)

Step = tuple[Literal["publish", "miss", "read", "cut", "block", "unblock", "wait"], int]
_names = st.sampled_from(["publish", "publish", "read", "read", "miss", "cut", "block", "unblock", "wait", "wait"])
steps = st.lists(st.tuples(_names, st.integers(1, 20)), max_size=40)


class Story:
    """A hub, a client's core, and between them a network without sockets."""

    def __init__(self) -> None:
        self.bench = HubBench(LIMITS)
        self.probes: dict[int, StreamProbe] = {}
        self.is_blocked = False
        self.last = 0
        self.seen: dict[str, list[int]] = {topic: [] for topic in TOPICS}
        subscriptions = Subscriptions()
        subscriptions.add(TOPICS)
        self.core = StreamConnection(subscriptions, tab="t", chance=random.Random(1))
        self.core.start(self.now)
        self.settle()

    @property
    def now(self) -> Moment:
        return Moment(self.bench.time.monotonic(), self.bench.time.clock() / 1e6)

    def run(self, step: Step) -> None:
        name, count = step
        if name == "publish":
            self.publish(count)
        elif name == "miss":
            outlets, self.bench.desk.outlets = self.bench.desk.outlets, []
            self.publish(count)
            self.bench.desk.outlets = outlets
        elif name == "read":
            self.read(count)
        elif name == "cut":
            self.cut()
        elif name == "block" or name == "unblock":
            self.is_blocked = name == "block"
        elif name == "wait":
            self.wait(count)
        else:
            assert_never(name)
        self.settle()

    def publish(self, count: int) -> None:
        kinds = (OrderFilled, AlertRaised)
        seqs = range(self.last + 1, self.last + 1 + count)
        self.last += count
        self.bench.desk.publish(*(cast(AnyEvent, fact(kinds[seq % 2], seq)) for seq in seqs))

    def read(self, count: int) -> None:
        for link, probe in tuple(self.probes.items()):
            for message in probe.read(count):
                self.core.received(link, msgspec.json.encode(message), self.now)
                if isinstance(message, Bye) and self.probes.pop(link, None) is not None:
                    self.bench.hub.disconnected(probe.subscriber)
                    self.core.ended(link, TransportEnd(code=message.code), self.now)

    def cut(self) -> None:
        for link in tuple(self.probes):
            self.drop(link)
            self.core.ended(link, TransportEnd(reason="cut"), self.now)

    def drop(self, link: int) -> None:
        probe = self.probes.pop(link, None)
        if probe is not None:
            probe.subscriber.end("network", 1006, "gone")
            self.bench.hub.disconnected(probe.subscriber)

    def wait(self, seconds: int) -> None:
        for _ in range(seconds * 2):
            self.bench.pass_time(0.5, step=0.5)
            if (self.core.next_at or self.now.at + 1) <= self.now.at:
                self.core.passed(self.now)
            self.settle()

    def settle(self) -> None:
        while actions := self.core.take_actions():
            for action in actions:
                self.carry_out(action)
        while self.core.updates:
            update = self.core.updates.popleft()
            if isinstance(update, Pub):
                self.seen[update.topic].append(update.seq)
            elif isinstance(update, Snap):
                kept = self.seen[update.topic] if update.page > 1 else []
                self.seen[update.topic] = [*kept, *(row["seq"] for row in update.data)]

    def carry_out(self, action: Action) -> None:
        if isinstance(action, Close):
            self.drop(action.link)
        elif isinstance(action, Send) and action.link in self.probes:
            self.probes[action.link].say(action.message)
        elif isinstance(action, Open) and self.is_blocked and action.carrier != "poll":
            self.core.ended(action.link, TransportEnd(reason="blocked"), self.now)
        elif isinstance(action, Open):
            probe = self.probes[action.link] = self.bench.probe()
            probe.say(action.hello)
            if action.carrier == "poll":
                answer = msgspec.json.encode(probe.read())
                self.drop(action.link)
                self.core.received(action.link, answer, self.now)

    def expected(self) -> dict[str, list[int]]:
        return {topic: [*range(2 - index, self.last + 1, 2)] for index, topic in enumerate(TOPICS)}


@settings(max_examples=60, deadline=None)
@given(steps)
def test_every_fact_is_shown_once_and_in_order_on_whichever_carrier(story_steps: list[Step]) -> None:
    story = Story()
    for step in story_steps:
        story.run(step)
    story.is_blocked = False
    for _ in range(100):
        story.read(1_000)
        story.wait(4)
    assert story.seen == story.expected()
    assert story.core.status(story.now).transport == "websocket"
