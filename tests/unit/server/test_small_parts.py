from __future__ import annotations

import structlog

from papertape.server.loop_lag import LoopLag, StallWatch
from papertape.server.outbox import Outbox
from papertape.server.rate import TokenBucket
from papertape.server.settings import StreamLimits
from papertape.wire.close import reaction_to


def test_control_goes_before_facts_and_facts_keep_their_order() -> None:
    outbox = Outbox(StreamLimits())
    outbox.put_fact(b"1", "a")
    outbox.put_reply(b"2", "b")
    outbox.put_fact(b"3", "a")
    outbox.put_control(b"c")
    assert [outbox.pop() for _ in range(5)] == [b"c", b"1", b"2", b"3", None]


def test_the_bounds_count_facts_in_bytes_and_messages_and_not_answers() -> None:
    outbox = Outbox(StreamLimits(queue_bytes=10, queue_messages=2, reply_bytes=100))
    assert outbox.put_reply(b"x" * 90, "a")
    assert not outbox.put_reply(b"x" * 20, "a")
    assert outbox.put_fact(b"x" * 10, "a")
    assert not outbox.put_fact(b"x", "a")
    while outbox.pop():
        pass
    assert outbox.put_fact(b"x", "a")
    assert outbox.put_fact(b"x", "a")
    assert not outbox.put_fact(b"x", "a")
    assert (outbox.queued_bytes, outbox.queued_messages, outbox.is_pending("a")) == (2, 2, True)


def test_a_bucket_allows_a_burst_then_the_rate() -> None:
    bucket = TokenBucket(rate=2, burst=3, now=0.0)
    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(0.5), bucket.take(0.5)] == [True, False]


def test_lag_is_the_worst_and_fades() -> None:
    lag = LoopLag()
    assert [lag.sample(1.0, 1.25), lag.sample(2.0, 1.9)] == [250.0, 0.0]
    assert (lag.worst_ms, lag.recent_ms < 250.0) == (250.0, True)


def test_a_loop_that_does_not_come_back_has_its_stack_logged() -> None:
    watch = StallWatch(limit_s=0.02)
    with structlog.testing.capture_logs() as logs:
        watch.start()
        assert watch.noticed.wait(5.0)
        watch.stop()
    assert logs[0]["event"] == "event_loop_stalled"
    assert "test_a_loop_that_does_not_come_back" in logs[0]["stack"]


def test_the_reaction_follows_the_range_of_the_code() -> None:
    codes = (None, 1001, 1006, 4005, 4050, 4101, 4150, 4201, 4301)
    assert [reaction_to(code) for code in codes] == [
        "back_off", "at_once", "back_off", "stop", "stop", "back_off", "back_off", "at_once", "at_once",
    ]  # fmt: skip
