"""The stream over a real socket: what a client is told, and what a client that misbehaves is told."""

from __future__ import annotations

import asyncio

import pytest
import structlog
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin, Subprotocol

from papertape.server.settings import StreamLimits
from papertape.testkit.desk_server import DeskServer, desk_server
from papertape.testkit.fake_desk import EPOCH
from papertape.testkit.raw_stream import hear, hear_end, hello, raw_stream, say
from papertape.testkit.stream_probe import session_topic
from papertape.wire.http import ConnectionView
from papertape.wire.stream import Bye, Heartbeat, Ping, Pong, Pub, Snap, SubRequest, Subscribed, Welcome

FILLS = session_topic("fills")


async def ended(server: DeskServer) -> ConnectionView:
    await asyncio.wait_for(server.hub.idle.wait(), 30)
    return server.hub.connections().ended[0]


async def bye_of(socket: ClientConnection) -> tuple[int, int | None]:
    messages, code = await hear_end(socket)
    last = messages[-1]
    assert isinstance(last, Bye)
    return last.code, code


async def test_a_client_is_welcomed_gets_a_snapshot_publications_and_heartbeats() -> None:
    limits = StreamLimits(heartbeat_s=0.2)
    async with desk_server(limits) as server, raw_stream(server.stream_url) as socket:
        server.desk.fill(2)
        await say(socket, hello(FILLS))
        welcome, ack, snap = await hear(socket, 3)
        server.desk.fill(1)
        pub, beat = await hear(socket, 2)
    assert isinstance(welcome, Welcome)
    assert ack == Subscribed(topic=FILLS, epoch=EPOCH, resumed=False, from_seq=0, to_seq=2)
    assert isinstance(snap, Snap)
    assert isinstance(pub, Pub)
    assert ([row["seq"] for row in snap.data], pub.seq, pub.prev) == ([1, 2], 3, 2)
    assert isinstance(beat, Heartbeat)
    assert beat.heads == {FILLS: 3}


async def test_a_position_is_resumed_after_the_server_was_restarted() -> None:
    async with desk_server() as first:
        first.desk.fill(3)
        port = first.port
    async with desk_server(desk=first.desk, port=port) as second:
        second.desk.fill(1)
        async with raw_stream(second.stream_url) as socket:
            await say(socket, hello(subs=(SubRequest(topic=FILLS, epoch=EPOCH, seq=2),)))
            _, ack, *pubs = await hear(socket, 4)
    assert ack == Subscribed(topic=FILLS, epoch=EPOCH, resumed=True, from_seq=2, to_seq=4)
    assert [pub.seq for pub in pubs if isinstance(pub, Pub)] == [3, 4]


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("garbage", 4005),
        (b"\x00\x01", 4005),
        ('{"t":"sub","subs":[]}', 4005),
        ('{"t":"hello","v":99,"tab":"t"}', 4004),
    ],
)
async def test_a_frame_that_breaks_the_protocol_is_answered_with_bye_and_a_stop_code(
    frame: str | bytes, code: int
) -> None:
    async with desk_server() as server, raw_stream(server.stream_url) as socket:
        await socket.send(frame)
        assert await bye_of(socket) == (code, code)
        record = await ended(server)
    assert (record.closed_by, record.code) == ("server", code)


async def test_a_frame_over_64_kb_closes_with_1009_and_is_recorded() -> None:
    with structlog.testing.capture_logs() as logs:
        async with desk_server() as server, raw_stream(server.stream_url) as socket:
            await socket.send("x" * 70_000)
            _, code = await hear_end(socket)
            record = await ended(server)
    assert code == 1009
    assert [entry["event"] for entry in logs] == ["stream_closed"]
    assert (record.closed_by, record.code, record.reason) == (
        "server",
        1009,
        "The client sent a frame larger than 64 KB.",
    )


async def test_too_many_topics_and_too_many_messages_are_told_so() -> None:
    async with desk_server() as server:
        async with raw_stream(server.stream_url) as greedy:
            topics = [session_topic("fills", f"exec_20251227_165822_{number:08x}") for number in range(3)]
            await say(greedy, hello(*topics))
            assert len(await hear(greedy, 4)) == 4  # unknown sessions count for nothing
        async with raw_stream(server.stream_url) as flood:
            await say(flood, hello())
            for number in range(50):
                await say(flood, Ping(id=number))
            assert await bye_of(flood) == (4105, 4105)
    async with desk_server(StreamLimits(topics=1)) as server, raw_stream(server.stream_url) as socket:
        await say(socket, hello(FILLS, session_topic("alerts")))
        assert await bye_of(socket) == (4008, 4008)


async def test_a_client_that_never_says_hello_is_closed_as_silent() -> None:
    limits = StreamLimits(hello_deadline_s=0.05, tick_s=0.02)
    async with desk_server(limits) as server, raw_stream(server.stream_url) as socket:
        assert await bye_of(socket) == (4102, 4102)


async def test_a_client_without_the_sub_protocol_is_told_which_one() -> None:
    async with desk_server() as server:
        for offered in ([Subprotocol("papertape.v9.json")], None):
            async with raw_stream(server.stream_url, subprotocols=offered) as socket:
                messages, code = await hear_end(socket)
                assert (code, [type(message) for message in messages]) == (4004, [Bye])


@pytest.mark.parametrize(
    ("host", "origin"),
    [("127.0.0.1", "http://evil.example"), ("evil.example", None), ("evil.example", "http://evil.example")],
)
async def test_a_foreign_origin_or_host_gets_no_socket(host: str, origin: str | None) -> None:
    async with desk_server() as server:
        url = server.stream_url.replace("127.0.0.1", host)
        with pytest.raises(InvalidStatus) as refused:
            async with raw_stream(url, host="127.0.0.1", origin=Origin(origin) if origin else None):
                pass
    assert refused.value.response.status_code == 403


async def test_the_desks_own_page_gets_a_socket() -> None:
    async with desk_server() as server, raw_stream(server.stream_url, origin=Origin(server.url)) as socket:
        await say(socket, hello())
        assert [type(message) for message in await hear(socket)] == [Welcome]


async def test_connections_opened_too_fast_are_refused_with_503() -> None:
    async with desk_server(StreamLimits(new_connections_per_s=1)) as server, raw_stream(server.stream_url):
        with pytest.raises(InvalidStatus) as refused:
            async with raw_stream(server.stream_url):
                pass
    assert (refused.value.response.status_code, refused.value.response.headers["retry-after"]) == (503, "1")


async def test_an_end_by_the_client_and_a_cut_are_told_apart() -> None:
    async with desk_server() as server:
        async with raw_stream(server.stream_url) as socket:
            await say(socket, hello())
            await hear(socket)
            await socket.close(4321, "tab closed")
        closed = await ended(server)
        async with raw_stream(server.stream_url) as socket:
            await say(socket, hello())
            await hear(socket)
            socket.transport.abort()
        cut = await ended(server)
    assert (closed.closed_by, closed.code, closed.reason) == ("client", 4321, "tab closed")
    assert (cut.closed_by, cut.code) == ("network", 1006)


async def test_a_client_that_stops_reading_is_closed_4101_while_others_miss_nothing() -> None:
    limits = StreamLimits(queue_messages=500)
    async with (
        desk_server(limits) as server,
        raw_stream(server.stream_url, max_queue=1) as stuck,
        raw_stream(server.stream_url) as healthy,
    ):
        for socket in (stuck, healthy):
            await say(socket, hello(FILLS))
            await hear(socket, 3)
        while not any(live.code for live in server.hub.connections().live):
            fills = server.desk.fill(100)
            pubs = await hear(healthy, 100)
            assert [pub.seq for pub in pubs if isinstance(pub, Pub)] == [fill.seq for fill in fills]
        assert await bye_of(stuck) == (4101, 4101)
        await say(healthy, Ping(id=1))
        assert [message.id for message in await hear(healthy) if isinstance(message, Pong)] == [1]


async def test_a_desk_that_shuts_down_says_goodbye_first() -> None:
    async with desk_server() as server, raw_stream(server.stream_url) as socket:
        await say(socket, hello())
        await hear(socket)
        closing = asyncio.create_task(hear_end(socket))
        server.hub.farewell("The desk is shutting down.")
        messages, code = await closing
    assert messages == [Bye(code=1001, reason="The desk is shutting down.", retry_ms=100)]
    assert code == 1001
