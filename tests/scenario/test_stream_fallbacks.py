"""Server-Sent Events and long polling: the same messages and positions as the WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import httpx
import msgspec

from papertape.server.settings import StreamLimits
from papertape.testkit.desk_server import DeskServer, desk_server
from papertape.testkit.fake_desk import EPOCH
from papertape.testkit.raw_stream import hear, hear_events, hello, raw_stream, say
from papertape.testkit.stream_probe import session_topic
from papertape.wire.stream import (
    Bye,
    Heartbeat,
    Hello,
    PreviousClose,
    Pub,
    ServerMessage,
    Snap,
    SubRequest,
    Subscribed,
    Welcome,
)

FILLS = session_topic("fills")
QUIET = StreamLimits(poll_hold_s=0.2, heartbeat_s=60.0)


def text(message: Hello) -> str:
    return msgspec.json.encode(message).decode()


def plain(messages: list[ServerMessage]) -> list[dict[str, Any]]:
    volatile = {"conn", "srv_ts", "ts", "lag_ms"}
    return [
        {name: value for name, value in msgspec.to_builtins(message).items() if name not in volatile}
        for message in messages
    ]


async def events(http: httpx.AsyncClient, message: Hello) -> AsyncGenerator[ServerMessage, None]:
    async with http.stream("GET", "/api/stream/sse", params={"hello": text(message)}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        async for heard in hear_events(answer):
            yield heard


async def poll(http: httpx.AsyncClient, message: Hello) -> list[ServerMessage]:
    answer = await http.post("/api/stream/poll", content=text(message))
    assert answer.status_code == 200
    return msgspec.json.decode(answer.content, type=list[ServerMessage])


async def websocket_story(server: DeskServer, first: Hello) -> list[ServerMessage]:
    async with raw_stream(server.stream_url) as socket:
        await say(socket, first)
        return await hear(socket, 3)


async def test_all_three_carriers_deliver_the_same() -> None:
    first = hello(FILLS)
    async with desk_server(QUIET) as server, httpx.AsyncClient(base_url=server.url) as http:
        server.desk.fill(3)
        by_socket = await websocket_story(server, first)
        async with aclosing(events(http, first)) as stream:
            by_events = [await anext(stream) for _ in range(3)]
        by_poll = await poll(http, first)
    assert plain(by_socket) == plain(by_events) == plain(by_poll[:3])
    assert isinstance(by_poll[3], Heartbeat)


async def test_an_event_stream_goes_on_with_publications() -> None:
    async with desk_server(QUIET) as server, httpx.AsyncClient(base_url=server.url) as http:
        async with aclosing(events(http, hello(FILLS))) as stream:
            for _ in range(3):
                await anext(stream)
            server.desk.fill(2)
            pubs = [await anext(stream) for _ in range(2)]
        await asyncio.wait_for(server.hub.idle.wait(), 30)
        (ended,) = server.hub.connections().ended
    assert [(pub.seq, pub.prev) for pub in pubs if isinstance(pub, Pub)] == [(1, 0), (2, 1)]
    assert (ended.transport, ended.closed_by) == ("sse", "client")


async def test_polls_go_on_from_the_position_of_the_last_answer() -> None:
    async with desk_server(QUIET) as server, httpx.AsyncClient(base_url=server.url) as http:
        server.desk.fill(2)
        welcome, ack, snap, _ = await poll(http, hello(FILLS))
        server.desk.fill(2)
        again = hello(subs=(SubRequest(topic=FILLS, epoch=EPOCH, seq=2),))
        _, resumed, *pubs, beat = await poll(http, again)
        live = server.hub.connections().live
    assert isinstance(welcome, Welcome)
    assert isinstance(ack, Subscribed)
    assert isinstance(snap, Snap)
    assert resumed == Subscribed(topic=FILLS, epoch=EPOCH, resumed=True, from_seq=2, to_seq=4)
    assert [pub.seq for pub in pubs if isinstance(pub, Pub)] == [3, 4]
    assert isinstance(beat, Heartbeat)
    assert beat.heads == {FILLS: 4}
    assert [(connection.id, connection.transport) for connection in live] == [(welcome.conn, "poll")]


async def test_a_poll_is_held_until_there_is_news() -> None:
    held = StreamLimits(poll_hold_s=20.0, heartbeat_s=60.0)
    async with desk_server(held) as server, httpx.AsyncClient(base_url=server.url) as http:
        request = hello(subs=(SubRequest(topic=FILLS, epoch=EPOCH, seq=0),))
        first = await poll(http, request)
        waiting = asyncio.create_task(poll(http, request))
        await asyncio.wait_for(server.hub.busy.wait(), 30)
        server.desk.fill(1)
        messages = await waiting
    assert [type(message) for message in first] == [Welcome, Subscribed, Heartbeat]  # the welcome does not wait
    assert [message.seq for message in messages if isinstance(message, Pub)] == [1]


async def test_a_poll_without_news_is_answered_after_the_hold_with_a_heartbeat() -> None:
    async with desk_server(QUIET) as server, httpx.AsyncClient(base_url=server.url) as http:
        messages = await poll(http, hello(subs=(SubRequest(topic=FILLS, epoch=EPOCH, seq=0),)))
    assert [type(message) for message in messages] == [Welcome, Subscribed, Heartbeat]


async def test_a_client_that_changes_the_carrier_keeps_its_positions_and_its_story_is_joined() -> None:
    async with desk_server(QUIET) as server, httpx.AsyncClient(base_url=server.url) as http:
        async with raw_stream(server.stream_url) as socket:
            await say(socket, hello(FILLS))
            welcome, *_ = await hear(socket, 3)
            server.desk.fill(1)
            await hear(socket)
            socket.transport.abort()
        await asyncio.wait_for(server.hub.idle.wait(), 30)
        server.desk.fill(1)
        assert isinstance(welcome, Welcome)
        story = PreviousClose(
            conn=welcome.conn, code=1006, reason="the network cut the connection", transport="websocket"
        )
        position = SubRequest(topic=FILLS, epoch=EPOCH, seq=1)
        messages = await poll(http, hello(subs=(position,), prev=story))
        connections = (await http.get("/api/connections")).json()
    assert [message.seq for message in messages if isinstance(message, Pub)] == [2]
    assert connections["ended"][0]["client_story"]["reason"] == "the network cut the connection"
    assert connections["ended"][0]["closed_by"] == "network"


async def test_a_poll_that_breaks_the_protocol_is_answered_with_bye() -> None:
    async with desk_server(QUIET) as server, httpx.AsyncClient(base_url=server.url) as http:
        answer = await http.post("/api/stream/poll", content="garbage")
        (message,) = msgspec.json.decode(answer.content, type=list[ServerMessage])
        wrong_way = await http.get("/api/stream/poll")
        no_hello = await http.get("/api/stream/sse")
    assert isinstance(message, Bye)
    assert (message.code, wrong_way.status_code, no_hello.status_code) == (4005, 405, 400)


async def test_an_event_stream_may_ask_for_as_many_topics_as_a_socket() -> None:
    topics = [session_topic("fills", f"exec_20251227_165822_{number:08x}") for number in range(127)]
    async with (
        desk_server(QUIET) as server,
        httpx.AsyncClient(base_url=server.url) as http,
        aclosing(events(http, hello(*topics, FILLS))) as stream,
    ):
        first = await anext(stream)
    assert isinstance(first, Welcome)
