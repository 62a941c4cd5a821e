"""Frames that hold several messages, for clients that say they understand them, over real sockets."""

from __future__ import annotations

import asyncio

import httpx
import msgspec
import structlog
from websockets.asyncio.client import ClientConnection

from papertape.model.events import AlertRaised
from papertape.server.settings import StreamLimits
from papertape.testkit.desk_server import desk_server
from papertape.testkit.facts import fact
from papertape.testkit.light_client import light_client
from papertape.testkit.raw_stream import hear, hello, raw_stream, say
from papertape.testkit.stream_probe import session_topic
from papertape.wire.stream import Bye, Ping, Pong, Pub, ServerMessage, Snap, Subscribed, Welcome

ALERTS = session_topic("alerts")
_decoder: msgspec.json.Decoder[list[ServerMessage] | ServerMessage] = msgspec.json.Decoder(
    list[ServerMessage] | ServerMessage
)


def alerts(first: int, last: int, size: int = 1_000) -> list[AlertRaised]:
    return [fact(AlertRaised, seq, message="x" * size) for seq in range(first, last + 1)]


async def hear_frame(socket: ClientConnection) -> tuple[int, list[ServerMessage]]:
    text = await socket.recv(decode=False)
    said = _decoder.decode(text)
    return len(text), said if isinstance(said, list) else [said]


async def test_what_waits_comes_as_arrays_in_order_each_at_most_64_kb() -> None:
    async with desk_server() as server, raw_stream(server.stream_url) as socket:
        await say(socket, hello(ALERTS, batch=True))
        _, greeting = await hear_frame(socket)
        server.desk.publish(*alerts(1, 200))
        sizes: list[int] = []
        pubs: list[Pub] = []
        while len(pubs) < 200:
            size, messages = await hear_frame(socket)
            sizes.append(size)
            pubs += [message for message in messages if isinstance(message, Pub)]
    assert [type(message) for message in greeting] == [Welcome, Subscribed, Snap]
    assert [(pub.seq, pub.prev) for pub in pubs] == [(seq, seq - 1) for seq in range(1, 201)]
    assert max(sizes) <= 65_536
    assert len(sizes) == 4  # 200 messages of about 1.3 KB: joined as far as a frame goes


async def test_a_client_that_does_not_say_so_gets_one_message_a_frame() -> None:
    async with desk_server() as server, raw_stream(server.stream_url) as socket:
        await say(socket, hello(ALERTS))
        await hear(socket, 3)
        server.desk.publish(*alerts(1, 50))
        pubs = await hear(socket, 50)
    assert [pub.seq for pub in pubs if isinstance(pub, Pub)] == [*range(1, 51)]


async def test_control_goes_before_the_facts_it_waits_with() -> None:
    async with desk_server() as server, raw_stream(server.stream_url) as socket:
        await say(socket, hello(ALERTS, batch=True))
        await hear_frame(socket)
        (live,) = server.hub.subscribers()
        server.desk.publish(*alerts(1, 3, size=10))
        live.take(Ping(id=7))
        _, messages = await hear_frame(socket)
    assert [type(message) for message in messages] == [Pong, Pub, Pub, Pub]


async def test_an_event_stream_joins_what_waits_too() -> None:
    wanted = msgspec.json.encode(hello(ALERTS, batch=True)).decode()
    async with (
        desk_server() as server,
        httpx.AsyncClient(base_url=server.url) as http,
        http.stream("GET", "/api/stream/sse", params={"hello": wanted}) as answer,
    ):
        lines = (line.removeprefix("data: ") async for line in answer.aiter_lines() if line)
        greeting = msgspec.json.decode(await anext(lines), type=list[ServerMessage])
        server.desk.publish(*alerts(1, 3, size=10))
        pubs = msgspec.json.decode(await anext(lines), type=list[Pub])
    assert [type(message) for message in greeting] == [Welcome, Subscribed, Snap]
    assert [pub.seq for pub in pubs] == [1, 2, 3]


async def test_a_client_that_never_reads_its_goodbye_is_dropped() -> None:
    limits = StreamLimits(queue_messages=100, farewell_s=0.3)
    async with desk_server(limits) as server:
        stuck = await light_client(server.port, [ALERTS], receive_buffer=4_096)
        stuck.transport.pause_reading()
        while not any(live.code for live in server.hub.connections().live):
            first = server.desk.position(server.desk.sessions(1)[0].session_id)[1] + 1
            server.desk.publish(*alerts(first, first + 50, size=5_000))
            await asyncio.sleep(0)
        await asyncio.wait_for(server.hub.idle.wait(), 30)
        (ended,) = server.hub.connections().ended
        stuck.transport.abort()
    assert (ended.closed_by, ended.code) == ("server", 4101)


async def test_a_failure_of_the_desk_while_it_writes_ends_that_client_with_4103() -> None:
    async with desk_server() as server, raw_stream(server.stream_url) as socket:
        await say(socket, hello(ALERTS))
        await hear(socket, 3)
        (live,) = server.hub.subscribers()
        with structlog.testing.capture_logs() as logs:
            live.outbox.put_control(None)  # type: ignore[arg-type]  # what no code of ours does
            live.take(Ping(id=1))
            (bye,) = await hear(socket)
    assert isinstance(bye, Bye)
    assert (bye.code, logs[0]["event"]) == (4103, "stream_failed")


async def test_a_goodbye_of_the_client_is_recorded_as_its_own_also_while_facts_are_written() -> None:
    async with desk_server() as server:
        client = await light_client(server.port, [ALERTS])
        client.close()
        seq = 0
        while server.hub.connections().live:
            seq += 1
            server.desk.publish(*alerts(seq, seq, size=10))
            await asyncio.sleep(0)
        (ended,) = server.hub.connections().ended
        await client.closed.wait()
    assert (ended.closed_by, ended.code) == ("client", 1000)
