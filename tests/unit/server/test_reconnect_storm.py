"""Many clients that come back at once read the store once, and get what was encoded once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from papertape.model.events import AlertRaised, OrderFilled
from papertape.model.tables import Table
from papertape.server.settings import StreamLimits
from papertape.testkit.facts import fact
from papertape.testkit.fake_desk import EPOCH, SESSION_ID, FakeDesk
from papertape.testkit.manual_time import ManualTime
from papertape.testkit.slow_desk import LoopTurns, SlowDesk
from papertape.testkit.stream_probe import HubBench, session_topic
from papertape.wire.stream import Hello, Pub, Snap, StreamError, Sub, SubRequest, Subscribed, Unsub
from papertape.wire.topics import FACT_TABLES

FILLS, ALERTS = session_topic("fills"), session_topic("alerts")


class CountingDesk(FakeDesk):
    """A desk that counts what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[str] = []

    def facts(self, session_id: str, table: Table, **asked: Any) -> list[Any]:
        self.reads.append(table.name)
        return super().facts(session_id, table, **asked)

    def latest(self, session_id: str, topic: str) -> Mapping[str, Any]:
        self.reads.append(topic)
        return super().latest(session_id, topic)


def restarted(facts: int, limits: StreamLimits | None = None) -> tuple[HubBench, CountingDesk]:
    """Return a hub that has just started on a desk with that many fills."""
    desk = CountingDesk()
    desk.fill(facts)
    return HubBench(limits, desk=desk), desk


def resumed(bench: HubBench, topic: str, seq: int) -> tuple[bool, list[tuple[int, int | None]]]:
    probe = bench.greeted()
    probe.subscribe(topic, EPOCH, seq)
    messages = probe.read()
    acks = [message.resumed for message in messages if isinstance(message, Subscribed)]
    return acks == [True], [(pub.seq, pub.prev) for pub in messages if isinstance(pub, Pub)]


def test_a_hundred_clients_that_resume_after_a_restart_read_the_store_once_a_topic() -> None:
    bench, desk = restarted(30)
    for client in range(100):
        seq = 20 + client % 10
        assert resumed(bench, FILLS, seq) == (True, [(later, later - 1) for later in range(seq + 1, 31)])
        assert resumed(bench, ALERTS, seq) == (True, [])
    assert desk.reads == ["fills", "alerts"]


def test_a_hundred_snapshots_at_one_position_are_one_and_the_same() -> None:
    bench, desk = restarted(300)
    frames = []
    for _ in range(100):
        probe = bench.greeted()
        probe.subscribe(FILLS)
        probe.subscriber.next_frame()  # the answer
        while (frame := probe.subscriber.next_frame()) is not None:
            frames.append(frame)
    pages = len(frames) // 100
    assert len({id(frame) for frame in frames}) == pages
    assert desk.reads == ["fills"]


def test_a_snapshot_after_later_facts_has_them_without_reading_the_store_again() -> None:
    bench, desk = restarted(3, StreamLimits(snapshot_facts=4))
    seen = []
    for _ in range(3):
        probe = bench.greeted()
        probe.subscribe(FILLS)
        (snap,) = probe.read_only(Snap)
        seen.append((snap.seq, [row["seq"] for row in snap.data]))
        desk.fill(1)
    assert seen == [(3, [1, 2, 3]), (4, [1, 2, 3, 4]), (5, [2, 3, 4, 5])]
    assert desk.reads == ["fills"]


def test_a_lane_that_began_with_live_facts_is_filled_up_with_older_ones() -> None:
    bench, desk = restarted(4)
    bench.greeted(ALERTS)  # the session's channel is there, the fills are not
    desk.fill(2)
    assert resumed(bench, FILLS, 1) == (True, [(2, 1), (3, 2), (4, 3), (5, 4), (6, 5)])
    probe = bench.greeted()
    probe.subscribe(FILLS)
    assert [row["seq"] for snap in probe.read_only(Snap) for row in snap.data] == [1, 2, 3, 4, 5, 6]
    assert desk.reads.count("fills") == 2  # for the seq before the first live one, and to fill up


@pytest.mark.parametrize("seq", [0, 1, 199, 200, 201, 299, 300])
def test_a_position_older_than_what_was_filled_in_is_read_from_the_store(seq: int) -> None:
    bench, desk = restarted(300, StreamLimits(snapshot_facts=10, ring_events=1_600))  # 100 a lane
    assert resumed(bench, FILLS, seq) == (True, [(later, later - 1) for later in range(seq + 1, 301)])
    assert len(desk.reads) == (2 if seq < 201 else 1 if seq < 300 else 0)


def test_what_left_the_ring_is_read_again_once_when_many_come_back_for_it() -> None:
    bench, desk = restarted(0, StreamLimits(ring_s=60.0))
    bench.greeted(FILLS)
    desk.publish(*(fact(OrderFilled, seq) for seq in range(1, 6)))
    bench.time.advance(120.0)
    desk.publish(fact(OrderFilled, 6), fact(AlertRaised, 7))
    desk.reads.clear()
    for _ in range(100):
        assert resumed(bench, FILLS, 2) == (True, [(3, 2), (4, 3), (5, 4), (6, 5)])
    assert desk.reads == ["fills"]


def test_latest_values_are_read_once_a_tick_however_many_ask() -> None:
    bench, desk = restarted(0)
    topic = session_topic("conditions")
    for _ in range(100):
        bench.greeted(topic)
    assert desk.reads == ["conditions"]
    bench.pass_time(0.1)
    bench.greeted(topic)
    assert desk.reads == ["conditions"] * 2


def slow_bench() -> tuple[HubBench, LoopTurns]:
    time, later = ManualTime(), LoopTurns()
    return HubBench(desk=SlowDesk(time), time=time, soon=later), later


def fact_topics() -> list[str]:
    return [session_topic(name) for name in FACT_TABLES]


def test_a_hello_of_many_topics_goes_on_in_later_turns_in_order() -> None:
    bench, later = slow_bench()
    probe = bench.probe()
    probe.say(Hello(v=1, tab="t", subs=tuple(SubRequest(topic=topic) for topic in fact_topics())))
    answered, took = [], []
    for _ in range(10):
        answered.append([ack.topic for ack in probe.read_only(Subscribed)])
        began = bench.time.monotonic()
        later.turn()
        took.append(bench.time.monotonic() - began)
    assert [topic for turn in answered for topic in turn] == fact_topics()
    assert [len(turn) for turn in answered[:3]] == [2, 3, 3]  # the first one opens the session's channel
    assert max(took) < 0.008
    assert probe.subscriber.is_answered


def test_everybody_who_comes_back_in_one_turn_is_answered_a_little_in_each() -> None:
    bench, later = slow_bench()
    probes = [bench.probe() for _ in range(4)]
    for probe in probes:
        probe.say(Hello(v=1, tab="t", subs=tuple(SubRequest(topic=topic) for topic in fact_topics()[:2])))
    counts = [[len(probe.read_only(Subscribed)) for probe in probes]]
    while later.turn():
        counts.append([len(probe.read_only(Subscribed)) for probe in probes])
    assert counts == [[2, 0, 0, 0], [0, 1, 1, 1], [0, 1, 1, 1], [0, 0, 0, 0]]


def test_what_is_published_while_a_topic_waits_for_its_answer_is_in_the_answer() -> None:
    bench, later = slow_bench()
    probe = bench.probe()
    topics = [topic for topic in fact_topics() if topic != FILLS]
    probe.say(Hello(v=1, tab="t", subs=tuple(SubRequest(topic=topic) for topic in [*topics, FILLS])))
    bench.desk.fill(2)
    while later.turn():
        bench.desk.fill(1)
    fills = [message for message in probe.read() if isinstance(message, Snap | Pub) and message.topic == FILLS]
    snap, *pubs = fills
    seen = [row["seq"] for row in snap.data] + [pub.seq for pub in pubs]
    assert seen == [*range(1, bench.desk.position(SESSION_ID)[1] + 1)]
    assert len(pubs) >= 1


def test_a_topic_dropped_before_its_answer_gets_none() -> None:
    bench, later = slow_bench()
    probe = bench.probe()
    probe.say(Hello(v=1, tab="t", subs=tuple(SubRequest(topic=topic) for topic in fact_topics())))
    probe.say(Unsub(topics=tuple(fact_topics()[4:])))
    while later.turn():
        pass
    assert [ack.topic for ack in probe.read_only(Subscribed)] == fact_topics()[:4]
    assert probe.subscriber.connection.topics == 4


def test_more_subscriptions_than_ever_wait_at_once_are_refused_for_now() -> None:
    bench, later = slow_bench()
    probe = bench.greeted(*fact_topics())
    probe.say(Sub(subs=tuple(SubRequest(topic=FILLS) for _ in range(300))))
    errors = probe.read_only(StreamError)
    assert {(error.code, error.temporary) for error in errors} == {("stream.busy", True)}
    assert len(errors) >= 300 - 2 * 128
    while later.turn():
        pass
    assert probe.subscriber.is_answered


def test_what_the_oldest_of_just_as_many_live_facts_as_are_filled_in_follows_stays_true() -> None:
    bench, desk = restarted(2, StreamLimits(snapshot_facts=4, ring_events=32))
    bench.greeted(ALERTS)
    desk.fill(4)
    bench.greeted(FILLS)  # its snapshot reads four fills, which are there already
    assert resumed(bench, FILLS, 2) == (True, [(3, 2), (4, 3), (5, 4), (6, 5)])
