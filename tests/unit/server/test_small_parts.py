from __future__ import annotations

import structlog

from papertape.server.loop_lag import LoopLag, StallWatch
from papertape.server.rate import TokenBucket
from papertape.wire.close import reaction_to


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
    assert [entry["event"] for entry in logs] == ["event_loop_stalled", "event_loop_went_on"]
    assert "test_a_loop_that_does_not_come_back" in logs[0]["stack"]


def test_every_stall_is_logged_with_its_stack_and_afterwards_with_its_duration() -> None:
    watch = StallWatch(limit_s=0.02)
    with structlog.testing.capture_logs() as logs:
        watch.start()
        for _ in range(3):
            assert watch.noticed.wait(5.0)
            watch.noticed.clear()
            watch.beat()
        watch.stop()
    stalls = [entry for entry in logs if entry["event"] == "event_loop_stalled"]
    ends = [entry for entry in logs if entry["event"] == "event_loop_went_on"]
    assert (len(stalls), len(ends)) == (3, 3)
    assert all("test_every_stall_is_logged" in entry["stack"] for entry in stalls)
    assert all(entry["stalled_s"] >= 0.02 for entry in ends)


def test_the_reaction_follows_the_range_of_the_code() -> None:
    codes = (None, 1001, 1006, 4005, 4050, 4101, 4150, 4201, 4301)
    assert [reaction_to(code) for code in codes] == [
        "back_off", "at_once", "back_off", "stop", "stop", "back_off", "back_off", "at_once", "at_once",
    ]  # fmt: skip
