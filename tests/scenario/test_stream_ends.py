"""Every end of a connection has a cause in the record, whatever carried it and however it came."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import quote

import httpx
import msgspec
import pytest
import structlog

from papertape.client.backoff import Backoff
from papertape.client.stream_client import StreamClient
from papertape.server.hub import WITHOUT_A_CAUSE
from papertape.server.settings import StreamLimits
from papertape.testkit.desk_server import DeskServer, desk_server
from papertape.testkit.fact_log import FactLog
from papertape.testkit.fake_desk import EPOCH
from papertape.testkit.raw_stream import hear, hear_end, hello, raw_stream, say
from papertape.testkit.stream_probe import session_topic
from papertape.wire.http import ConnectionView
from papertape.wire.stream import Bye, Hello, SubRequest

FILLS = session_topic("fills")


async def until_all_ended(server: DeskServer, count: int) -> list[ConnectionView]:
    async with asyncio.timeout(30):
        while len(ended := server.hub.connections().ended) < count:  # noqa: ASYNC110  a record is read, not waited for
            await asyncio.sleep(0.01)
    assert [record.reason for record in ended if record.reason == WITHOUT_A_CAUSE] == []
    return ended


async def until_live(server: DeskServer, count: int) -> None:
    async with asyncio.timeout(30):
        while len(server.hub.book) < count:  # noqa: ASYNC110  a record is read, not waited for
            await asyncio.sleep(0.01)


def encoded(message: Hello) -> str:
    return msgspec.json.encode(message).decode()


async def open_by_websocket(server: DeskServer, message: Hello) -> list[object]:
    async with raw_stream(server.stream_url) as socket:
        await say(socket, message)
        return [*(await hear_end(socket))[0]]


async def open_by_sse(server: DeskServer, message: Hello) -> list[object]:
    async with httpx.AsyncClient() as http:
        answer = await http.get(f"{server.url}/api/stream/sse?hello={quote(encoded(message))}")
    lines = [line.removeprefix("data: ") for line in answer.text.split("\n\n") if line]
    return [msgspec.json.decode(line) for line in lines]


async def open_by_poll(server: DeskServer, message: Hello) -> list[object]:
    async with httpx.AsyncClient() as http:
        answer = await http.post(f"{server.url}/api/stream/poll", content=encoded(message))
    return list(answer.json())


@contextlib.asynccontextmanager
async def held_poll(server: DeskServer) -> AsyncIterator[asyncio.Task[httpx.Response]]:
    """A poll that waits for news: the second one, for the first is answered at once."""
    message = encoded(hello(tab="poll", subs=(SubRequest(topic=FILLS, epoch=EPOCH, seq=0),)))
    async with httpx.AsyncClient() as http:
        first = await http.post(f"{server.url}/api/stream/poll", content=message)
        assert first.status_code == 200
        sent = server.hub.connections().live[0].sent
        polling = asyncio.create_task(http.post(f"{server.url}/api/stream/poll", content=message))
        async with asyncio.timeout(30):
            while server.hub.connections().live[0].sent == sent:  # noqa: ASYNC110  a record is read, not waited for
                await asyncio.sleep(0.01)
        yield polling
        polling.cancel()


@pytest.mark.parametrize("carrier", [open_by_websocket, open_by_sse, open_by_poll])
async def test_a_failure_of_the_desk_is_in_the_record_and_not_in_the_goodbye(
    carrier: Callable[[DeskServer, Hello], Awaitable[list[object]]],
) -> None:
    with structlog.testing.capture_logs() as logs:
        async with desk_server() as server:
            server.desk.breaks = True
            messages = await carrier(server, hello("desk/sessions"))
            (record,) = await until_all_ended(server, 1)
    assert (record.closed_by, record.code, record.exception) == (
        "server",
        4103,
        "RuntimeError: secret detail of a failure",
    )
    goodbye = messages[-1]
    bye = goodbye if isinstance(goodbye, Bye) else msgspec.convert(goodbye, Bye)
    assert (bye.code, bye.reason) == (4103, f"The desk failed; look for {record.id} in its log.")
    assert {entry["conn"] for entry in logs} == {record.id}


async def test_the_record_says_what_the_client_is_and_what_it_was_sent() -> None:
    async with desk_server() as server:
        async with raw_stream(server.stream_url, user_agent_header="Mozilla/5.0 " + "x" * 200) as socket:
            await say(socket, hello(FILLS))
            await hear(socket, 3)
        (record,) = await until_all_ended(server, 1)
    assert (record.agent, record.sent) == ("Mozilla/5.0 " + "x" * 108, 3)
    assert record.sent_bytes > 200
    assert record.memory_mb is not None


async def test_a_poll_that_is_abandoned_ends_as_a_cut() -> None:
    async with desk_server() as server, held_poll(server) as polling:
        polling.cancel()
        (record,) = await until_all_ended(server, 1)
    assert (record.transport, record.closed_by, record.code) == ("poll", "network", 1006)
    assert record.reason == "The client left before its poll was answered."


async def test_a_poll_between_two_requests_ends_with_the_desk() -> None:
    async with desk_server() as server:
        server.desk.fill(1)
        await open_by_poll(server, hello(FILLS))
        assert [live.transport for live in server.hub.connections().live] == ["poll"]
    (record,) = server.hub.connections().ended
    assert (record.closed_by, record.code) == ("server", 1001)


async def test_clients_that_are_gone_before_they_are_accepted_leave_nothing_behind() -> None:
    handshake = (
        "GET /api/stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: papertape.v1.json\r\n\r\n"
    )
    async with desk_server() as server:
        for _ in range(20):
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(handshake.format(port=server.port).encode())
            writer.transport.abort()
        async with raw_stream(server.stream_url) as socket:  # the server has seen them all
            await say(socket, hello())
            await hear(socket)
        await asyncio.wait_for(server.hub.idle.wait(), 30)
        ended = server.hub.connections().ended
        assert len(server.hub.book) == 0
    causes = {(record.closed_by, record.code) for record in ended}
    assert causes <= {("network", 1006), ("client", 1000)}
    assert WITHOUT_A_CAUSE not in {record.reason for record in ended}


async def test_a_task_that_the_server_cancels_ends_its_connection_with_a_cause() -> None:
    query = quote(encoded(hello()))
    async with (
        desk_server() as server,
        held_poll(server),
        raw_stream(server.stream_url) as socket,
        httpx.AsyncClient() as http,
    ):
        await say(socket, hello())
        await hear(socket)
        async with http.stream("GET", f"{server.url}/api/stream/sse?hello={query}"):
            await until_live(server, 3)
            for task in asyncio.all_tasks():
                if getattr(task.get_coro(), "__name__", "") == "run_asgi":
                    task.cancel()
            ended = await until_all_ended(server, 3)
    assert {record.transport for record in ended} == {"websocket", "sse", "poll"}
    said = ("server", 1001, "The desk shut down before the connection had ended.")
    assert {(record.closed_by, record.code, record.reason) for record in ended} == {said}


async def test_rotated_clients_come_back_at_once_and_miss_nothing() -> None:
    limits = StreamLimits(rotate_after_s=0.3, rotate_gap_s=0.05, tick_s=0.02)
    async with desk_server(limits) as server:
        client = StreamClient(server.stream_url, [FILLS], backoff=Backoff(floor_s=0, step_s=0), seed=1)
        log = FactLog([FILLS])

        following = asyncio.create_task(log.follow(client))
        await log.reached(0)
        count = 0
        async with asyncio.timeout(30):
            while client.connects < 4:
                count += len(server.desk.fill(3))
                await log.reached(count)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        ended = server.hub.connections().ended
    assert log.seqs == {FILLS: [*range(1, count + 1)]}
    assert (client.snapshots, client.duplicates) == (1, 0)
    rotated = [record for record in ended if record.code == 4202]
    assert len(rotated) >= 3
    stories = [record.client_story.code for record in rotated if record.client_story is not None]
    assert stories[:3] == [4202] * 3
