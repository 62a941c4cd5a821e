"""A loop that stood still heard nobody: no deadline of the server counts that time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from papertape.server.asgi import Message
from papertape.server.loop_lag import Attention
from papertape.server.rate import TokenBucket
from papertape.server.settings import StreamLimits
from papertape.server.stream.poll import PollEndpoint
from papertape.testkit.fake_desk import EPOCH
from papertape.testkit.stream_probe import HubBench, StreamProbe, session_topic
from papertape.wire.stream import Bye, Heartbeat, Hello, Ping, Pong, SubRequest, Subscribed, Welcome

FILLS = session_topic("fills")


def block(bench: HubBench, seconds: float) -> None:
    """Let the loop stand still, and the tick be the first that runs afterwards."""
    bench.time.advance(seconds)
    bench.hub.tick(lag_ms=seconds * 1000)


def slices(bench: HubBench, seconds: float, slice_s: float = 2.5) -> None:
    for _ in range(round(seconds / slice_s)):
        block(bench, slice_s)


def test_seconds_count_while_the_loop_runs_and_stop_while_it_stands_still() -> None:
    attention = Attention(now=100.0, most_s=0.2, stall_s=1.0)
    assert [attention.beat(100.1), attention.beat(100.25)] == [True, True]
    assert attention.seconds(100.3) == pytest.approx(0.3)
    assert attention.seconds(130.0) == pytest.approx(0.45)  # before the beat that ends the stall
    assert not attention.beat(130.25)
    assert [attention.seconds(130.25), attention.lost(130.25)] == pytest.approx([0.45, 29.8])
    assert attention.beat(130.35)


def test_a_loop_that_is_always_late_still_judges_in_its_own_slower_time() -> None:
    bench = HubBench()
    probe = bench.probe()
    bench.pass_time(24.5, step=0.5)
    assert probe.subscriber.ending is None
    bench.pass_time(1.5, step=0.5)
    assert [bye.code for bye in probe.read_only(Bye)] == [4102]


def stuck_writer(bench: HubBench) -> StreamProbe:
    probe = bench.greeted(FILLS)
    probe.subscriber.writing_since = bench.hub.attentive_s()
    return probe


@pytest.mark.parametrize("stall", [lambda bench: block(bench, 30.0), lambda bench: slices(bench, 60.0)])
@pytest.mark.parametrize("client", [HubBench.probe, stuck_writer], ids=["no hello yet", "a send under way"])
def test_a_deadline_survives_a_stall_and_comes_when_the_loop_has_run_as_long(
    client: Callable[[HubBench], StreamProbe], stall: Callable[[HubBench], None]
) -> None:
    bench = HubBench(StreamLimits(write_deadline_s=10.0))
    probe = client(bench)
    bench.pass_time(4.0)
    stall(bench)
    assert probe.subscriber.ending is None
    bench.pass_time(0.9)
    assert probe.subscriber.ending is None
    bench.pass_time(6.0)
    assert probe.subscriber.ending is not None


def test_a_hello_that_came_during_a_stall_is_read_before_its_deadline_is_judged() -> None:
    bench = HubBench()
    probe = bench.probe()
    bench.pass_time(9.9)
    block(bench, 30.0)
    probe.say(Hello(v=1, tab="t"))  # the reader runs after the tick
    bench.pass_time(1.0)
    assert [type(message) for message in probe.read()] == [Welcome, Heartbeat]


def test_messages_that_piled_up_during_a_stall_are_not_too_many() -> None:
    bench = HubBench()
    probe = bench.greeted()
    bench.pass_time(1.0)
    bench.time.advance(30.0)
    for number in range(600):  # 20 a second, read at once and before the tick
        probe.say(Ping(id=number))
    bench.hub.tick()
    assert len(probe.read_only(Pong)) == 600
    for number in range(50):
        probe.say(Ping(id=number))
    assert [bye.code for bye in probe.read_only(Bye)] == [4105]


def test_a_bucket_lets_through_at_its_rate_what_waited_while_nobody_took() -> None:
    bucket = TokenBucket(rate=2, burst=3, now=0.0)
    assert [bucket.take(0.0, lost=2.0) for _ in range(8)] == [True] * 7 + [False]
    assert [bucket.take(10.0, lost=2.0) for _ in range(4)] == [True] * 3 + [False]


def test_a_heartbeat_follows_a_stall_at_once() -> None:
    bench = HubBench()
    probe = bench.greeted()
    block(bench, 30.0)
    assert probe.read() == [Heartbeat(srv_ts=bench.time.clock(), lag_ms=30_000.0, heads={})]


def test_a_channel_nobody_listens_to_is_kept_over_a_stall() -> None:
    bench = HubBench()
    topic = session_topic("conditions")
    first = bench.probe()
    first.say(Hello(v=1, tab="t", subs=(SubRequest(topic=topic),)))
    (ack,) = first.read_only(Subscribed)
    first.subscriber.end("client", 1000, "gone")
    resumed = []
    for pass_time, seconds in ((block, 0.0), (block, 90.0), (HubBench.pass_time, 62.0)):
        bench.hub.tick()
        pass_time(bench, seconds)
        probe = bench.greeted()
        probe.subscribe(topic, ack.epoch, ack.to_seq)
        resumed += [again.resumed for again in probe.read_only(Subscribed)]
        probe.subscriber.end("client", 1000, "gone")
    assert resumed == [True, True, False]


async def poll_once(endpoint: PollEndpoint, body: bytes) -> list[Message]:
    sent: list[Message] = []
    asked = [{"type": "http.request", "body": body}]

    async def receive() -> Message:
        if not asked:
            await asyncio.Event().wait()
        return asked.pop()

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "headers": [], "client": ("test", 1)}
    await endpoint.serve(scope, receive, send)
    return sent


async def test_a_poll_whose_next_request_waits_for_the_loop_is_not_forgotten() -> None:
    bench = HubBench(StreamLimits(poll_hold_s=0.01))
    endpoint = PollEndpoint(bench.hub)
    hello = b'{"t":"hello","v":1,"tab":"t","subs":[{"topic":"%s","epoch":"%s","seq":0}]}'
    await poll_once(endpoint, hello % (FILLS.encode(), EPOCH.encode()))
    bench.pass_time(50.0)
    block(bench, 30.0)
    slices(bench, 60.0)
    assert [live.transport for live in bench.hub.connections().live] == ["poll"]
    bench.pass_time(11.0)
    assert [ended.reason for ended in bench.hub.connections().ended] == ["The client stopped polling."]
