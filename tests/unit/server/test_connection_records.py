"""Every end has a cause: who closed a connection and why, by the desk's account and by the client's."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest

from papertape.model.events import OrderFilled
from papertape.server.settings import StreamLimits
from papertape.testkit.facts import fact
from papertape.testkit.stream_probe import HubBench, StreamProbe, session_topic
from papertape.wire.http import ConnectionView
from papertape.wire.stream import Bye, Hello, PreviousClose

FILLS = session_topic("fills")


def came_back(bench: HubBench, story: PreviousClose, tab: str = "t") -> StreamProbe:
    probe = bench.probe()
    probe.say(Hello(v=1, tab=tab, prev=story))
    return probe


def test_a_record_says_what_there_was_at_the_moment_of_the_end() -> None:
    bench = HubBench(StreamLimits(queue_messages=3))
    bench.hub.memory.measure()
    probe = StreamProbe(bench.hub, agent="Mozilla/5.0")
    probe.say(Hello(v=1, tab="tab-1"))
    probe.subscribe(FILLS)
    probe.read()
    sent = probe.subscriber.connection.sent_bytes
    bench.time.advance(2.5)
    bench.hub.tick(lag_ms=12.0)
    probe.subscriber.writing_since = bench.hub.attentive_s()
    bench.pass_time(1.5)
    bench.desk.publish(*(fact(OrderFilled, seq) for seq in range(1, 5)))
    bench.time.advance(9.0)  # its goodbye takes a while
    bench.hub.disconnected(probe.subscriber)
    (ended,) = bench.hub.connections().ended
    assert ended == ConnectionView(
        id=probe.subscriber.connection.id,
        tab="tab-1",
        peer="test:1",
        agent="Mozilla/5.0",
        transport="websocket",
        told_by="desk",
        opened_ts=ended.opened_ts,
        closed_ts=ended.opened_ts + 4_000_000,
        closed_by="server",
        code=4101,
        reason=ended.reason,
        exception=None,
        age_ms=4_000,
        last_rx_age_ms=4_000,
        queue_bytes=ended.queue_bytes,
        queue_messages=3,
        flush_ms=100,
        write_ms=1_500,
        worst_lag_ms=12.0,
        memory_mb=bench.hub.memory.used_mb,
        topics=1,
        sent=3,
        sent_bytes=sent,
        client_story=None,
    )
    assert ended.queue_bytes > 500
    assert ended.reason.startswith("The client reads slower than facts come: 3 messages")
    assert (ended.memory_mb or 0) > 10


def test_the_end_of_a_connection_before_a_restart_is_told_by_its_client() -> None:
    bench = HubBench()
    story = PreviousClose(conn="c-before-1", code=1012, reason="restart", age_ms=90_000, transport="sse")
    came_back(bench, story, tab="tab-7")
    (ended,) = bench.hub.connections().ended
    now = bench.time.clock()
    told = (ended.id, ended.told_by, ended.tab, ended.transport, ended.closed_by, ended.code, ended.reason)
    assert told == ("c-before-1", "client", "tab-7", "sse", "server", 1012, "restart")
    assert (ended.opened_ts, ended.closed_ts, ended.client_story) == (now - 90_000_000, now, story)
    assert bench.hub.health().closes == []  # this process closed nothing


def test_a_story_told_twice_is_one_record_and_the_newer_account_is_kept() -> None:
    bench = HubBench()
    came_back(bench, PreviousClose(conn="c-before-1"))
    again = PreviousClose(conn="c-before-1", attempts=3)
    came_back(bench, again)
    assert [ended.client_story for ended in bench.hub.connections().ended] == [again]


def test_stories_are_bounded_in_number_and_length_and_those_about_nothing_are_dropped() -> None:
    bench = HubBench(StreamLimits(history=3))
    for number in range(10):
        came_back(bench, PreviousClose(conn=f"c-before-{number}", reason="x" * 50_000))
    came_back(bench, PreviousClose(conn=None, attempts=4))
    came_back(bench, PreviousClose(conn=""))
    ended = bench.hub.connections().ended
    assert [record.id for record in ended] == ["c-before-9", "c-before-8", "c-before-7"]
    assert max(len(msgspec.json.encode(record)) for record in ended) < 2_000


def test_a_story_about_a_connection_of_this_process_that_is_no_longer_kept_makes_no_record() -> None:
    bench = HubBench(StreamLimits(history=1))
    conns = []
    for _ in range(2):
        probe = bench.greeted()
        probe.subscriber.end("client", 1000, "closed")
        bench.hub.disconnected(probe.subscriber)
        conns.append(probe.subscriber.connection.id)
    came_back(bench, PreviousClose(conn=conns[0], code=1000))
    assert [ended.id for ended in bench.hub.connections().ended] == [conns[1]]


@pytest.mark.parametrize(("code", "by"), [(None, "network"), (1012, "server"), (4101, "server"), (1000, "client")])
def test_who_closed_what_only_the_client_saw_follows_from_its_code(code: int | None, by: str) -> None:
    bench = HubBench()
    came_back(bench, PreviousClose(conn="c-before", code=code, transport="carrier pigeon"))
    (ended,) = bench.hub.connections().ended
    assert (ended.closed_by, ended.code, ended.transport) == (by, code or 1006, "websocket")


def test_who_connects_while_the_desk_shuts_down_is_told_so() -> None:
    bench = HubBench()
    bench.hub.farewell("The desk is shutting down.")
    probe = bench.probe()
    assert [bye.code for bye in probe.read_only(Bye)] == [1001]


def test_the_health_of_the_stream_has_its_lag_by_second_and_counts() -> None:
    bench = HubBench(StreamLimits(new_connections_per_s=1))
    first = bench.greeted(FILLS)
    first.subscriber.end("network", 1006, "cut")
    bench.hub.disconnected(first.subscriber)
    assert [bench.hub.refusal() is None, bench.hub.refusal() is None] == [True, False]
    second_us = 1_000_000
    start = bench.time.clock() // second_us * second_us
    for at, lag_s in ((0.0, 0.01), (0.5, 0.03), (1.0, 0.002), (3.2, 2.1), (4.0, 0.0)):
        bench.hub.lag.sample(at, at + lag_s, start + round(at * second_us))
    health = bench.hub.health()
    assert [(lag.ts - start, lag.worst_ms) for lag in health.lag] == [
        (1_000_000, 30.0), (2_000_000, 2.0), (4_000_000, 2_100.0),
    ]  # fmt: skip
    assert (health.opened, health.refused, health.worst_lag_ms) == (1, 1, 2_100.0)
    assert [(count.closed_by, count.code, count.count) for count in health.closes] == [("network", 1006, 1)]


def test_a_connection_is_rotated_after_its_life_one_a_second_at_most() -> None:
    bench = HubBench(StreamLimits(rotate_after_s=100.0))
    probes = [bench.greeted() for _ in range(3)]
    lives: dict[int, float] = {}
    for _ in range(1_150):
        bench.pass_time(0.1)
        for number, probe in enumerate(probes):
            if probe.subscriber.ending is not None:
                lives.setdefault(number, bench.time.monotonic())
    assert all(90.0 <= life <= 112.0 for life in lives.values())
    times = sorted(lives.values())
    assert [later - earlier >= 0.99 for earlier, later in pairwise(times)] == [True, True]
    byes = [bye for probe in probes for bye in probe.read_only(Bye)]
    reason = "A planned rotation; come back at once, nothing is lost."
    assert byes == [Bye(code=4202, reason=reason, retry_ms=100)] * 3


def test_lives_are_drawn_from_a_seed() -> None:
    lives = [[HubBench(seed=seed).hub.lifetime_s() for _ in range(2)] for seed in (1, 1, 2)]
    assert lives[0] == lives[1] != lives[2]
    assert all(0.9 * 86_400 <= life <= 1.1 * 86_400 for pair in lives for life in pair)
