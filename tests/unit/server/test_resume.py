"""A client that comes back says where it was: it gets what it missed, or is told that it must take a snapshot."""

from __future__ import annotations

import pytest

from papertape.server.settings import StreamLimits
from papertape.testkit.fake_desk import EPOCH
from papertape.testkit.stream_probe import HubBench, session_topic
from papertape.wire.stream import Pub, Snap, Subscribed

FILLS = session_topic("fills")


def seqs(messages: list[Pub]) -> list[tuple[int, int | None]]:
    return [(message.seq, message.prev) for message in messages]


def test_a_position_is_resumed_from_the_ring_without_a_snapshot() -> None:
    bench = HubBench()
    bench.greeted(FILLS)
    bench.desk.fill(5)
    probe = bench.greeted()
    probe.subscribe(FILLS, EPOCH, 3)
    ack, *pubs = probe.read()
    assert ack == Subscribed(topic=FILLS, epoch=EPOCH, resumed=True, from_seq=3, to_seq=5)
    assert [pub.seq for pub in pubs if isinstance(pub, Pub)] == [4, 5]


def test_a_position_older_than_the_ring_is_resumed_from_the_store() -> None:
    bench = HubBench(StreamLimits(ring_events=2))
    bench.greeted(FILLS)
    bench.desk.fill(6)
    probe = bench.greeted()
    probe.subscribe(FILLS, EPOCH, 1)
    assert seqs(probe.read_only(Pub)) == [(2, 1), (3, 2), (4, 3), (5, 4), (6, 5)]


def test_a_position_survives_a_new_hub_on_the_same_store() -> None:
    bench = HubBench()
    bench.desk.fill(4)  # published before any hub had a subscriber, as before a restart
    probe = bench.greeted()
    probe.subscribe(FILLS, EPOCH, 2)
    assert seqs(probe.read_only(Pub)) == [(3, 2), (4, 3)]


def test_all_that_a_closed_queue_can_have_held_is_sent_again() -> None:
    limits = StreamLimits()
    bench = HubBench(limits)
    bench.greeted(FILLS)
    bench.desk.fill(limits.queue_messages + 1)
    probe = bench.greeted()
    probe.subscribe(FILLS, EPOCH, 0)
    assert len(probe.read_only(Pub)) == limits.queue_messages + 1
    assert limits.resume_bytes >= limits.queue_bytes


def test_more_bytes_than_are_sent_again_are_answered_with_a_snapshot() -> None:
    bench = HubBench(StreamLimits(resume_bytes=1_000))
    bench.greeted(FILLS)
    bench.desk.fill(10)
    probe = bench.greeted()
    probe.subscribe(FILLS, EPOCH, 0)
    assert [ack.resumed for ack in probe.read_only(Subscribed)] == [False]


def test_more_than_is_read_for_one_answer_is_answered_with_a_snapshot() -> None:
    bench = HubBench(StreamLimits(ring_events=4, resume_events=3))
    bench.desk.fill(10)
    probe = bench.greeted()
    probe.subscribe(FILLS, EPOCH, 1)
    ack, snap = probe.read()
    assert isinstance(ack, Subscribed)
    assert isinstance(snap, Snap)
    assert (ack.resumed, snap.seq) == (False, 10)


@pytest.mark.parametrize(("epoch", "seq"), [("another", 2), (EPOCH, 99)])
def test_a_position_that_cannot_be_continued_is_answered_with_a_snapshot(epoch: str, seq: int) -> None:
    bench = HubBench()
    bench.desk.fill(3)
    probe = bench.greeted()
    probe.subscribe(FILLS, epoch, seq)
    assert [ack.resumed for ack in probe.read_only(Subscribed)] == [False]
