from __future__ import annotations

import pytest

from papertape.server.fact_lane import Published
from papertape.server.outbox import Outbox
from papertape.server.settings import StreamLimits


def published(frame: bytes, topic: str = "a") -> Published:
    return Published(topic, 1, frame, 0.0)


def outbox_of(*facts: bytes) -> Outbox:
    outbox = Outbox(StreamLimits())
    for frame in facts:
        outbox.put_fact(published(frame))
    return outbox


def test_control_goes_before_facts_and_facts_keep_their_order() -> None:
    outbox = outbox_of(b"1")
    outbox.put_reply(b"2", "b")
    outbox.put_fact(published(b"3"))
    outbox.put_control(b"c")
    assert [outbox.take(0) for _ in range(5)] == [[b"c"], [b"1"], [b"2"], [b"3"], []]


def test_what_is_taken_at_once_fits_with_a_separator_each() -> None:
    outbox = outbox_of(b"22", b"333", b"4444", b"5")
    outbox.put_control(b"1")
    assert [outbox.take(9), outbox.take(8), outbox.take(8)] == [[b"1", b"22", b"333"], [b"4444", b"5"], []]


def test_a_message_larger_than_the_room_is_taken_alone() -> None:
    outbox = outbox_of(b"x" * 100, b"y")
    assert [outbox.take(10), outbox.take(10)] == [[b"x" * 100], [b"y"]]


def test_no_fact_is_taken_while_control_does_not_fit() -> None:
    outbox = outbox_of(b"f")
    outbox.put_control(b"1" * 5)
    outbox.put_control(b"2" * 5)
    assert [outbox.take(8), outbox.take(8)] == [[b"1" * 5], [b"2" * 5, b"f"]]


def test_the_bounds_count_facts_in_bytes_and_messages_and_not_answers() -> None:
    outbox = Outbox(StreamLimits(queue_bytes=10, queue_messages=2, reply_bytes=100))
    assert outbox.put_reply(b"x" * 90, "a")
    assert not outbox.put_reply(b"x" * 20, "a")
    assert outbox.put_fact(published(b"x" * 10))
    assert not outbox.put_fact(published(b"x"))
    outbox.take(1_000)
    assert (outbox.queued_bytes, outbox.queued_messages, outbox.is_empty, outbox.pending_topics()) == (
        0,
        0,
        True,
        set(),
    )
    assert outbox.put_fact(published(b"x"))
    assert outbox.put_fact(published(b"x", "b"))
    assert not outbox.put_fact(published(b"x"))
    assert (outbox.queued_bytes, outbox.queued_messages, outbox.pending_topics()) == (2, 2, {"a", "b"})


@pytest.mark.parametrize("room", [0, 5, 1_000])
def test_a_cleared_outbox_gives_only_what_was_put_in_later(room: int) -> None:
    outbox = outbox_of(b"1", b"2")
    outbox.put_reply(b"3", "a")
    outbox.clear()
    outbox.put_control(b"bye")
    assert (outbox.take(room), outbox.take(room), outbox.queued_bytes) == ([b"bye"], [], 0)
