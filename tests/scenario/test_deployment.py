"""The deployment guide's configurations of nginx and Caddy carry the whole stream, and let nobody else in.

PAPERTAPE_PROXY_IDLE_S=65 runs them with their own 60 s of patience; otherwise nginx gets 2 s and the desk hurries.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import InvalidStatus

from papertape.client.backoff import Backoff
from papertape.client.stream_client import StreamClient
from papertape.server.settings import StreamLimits
from papertape.testkit.desk_server import DeskServer, desk_server
from papertape.testkit.fact_log import FactLog
from papertape.testkit.processes import free_port
from papertape.testkit.raw_stream import hear, hear_events, hello, raw_stream, say
from papertape.testkit.reverse_proxy import PASSWORD, USER, ReverseProxy, caddy, nginx, snippet
from papertape.testkit.stream_probe import session_topic
from papertape.wire.stream import Heartbeat, Hello, Pub, ServerMessage, SubRequest

GUIDE = (Path(__file__).resolve().parents[2] / "docs/guides/deployment.md").read_text()
FILLS = session_topic("fills")
IDLE_S = float(os.environ.get("PAPERTAPE_PROXY_IDLE_S", "3"))
IS_LONG = IDLE_S > 60
LIMITS = StreamLimits() if IS_LONG else StreamLimits(heartbeat_s=0.5, poll_hold_s=0.7)
HURRY = "" if IS_LONG else "proxy_read_timeout 2s;"
LOGIN = {"authorization": "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}


class Deployed(msgspec.Struct, frozen=True, kw_only=True):
    """A desk with a proxy in front of it."""

    desk: DeskServer
    proxy: ReverseProxy
    http: httpx.AsyncClient

    @contextlib.asynccontextmanager
    async def socket(self, **headers: str) -> AsyncIterator[ClientConnection]:
        """Open the stream as a browser would, through the proxy."""
        options: dict[str, Any] = {"origin": f"https://{self.proxy.host}", "additional_headers": {**LOGIN, **headers}}
        if "origin" in headers:
            options["origin"] = options["additional_headers"].pop("origin")
        address = f"wss://{self.proxy.host}/api/stream"
        async with raw_stream(address, ssl=self.proxy.trust, **options) as socket:
            yield socket


class Front(msgspec.Struct, frozen=True, kw_only=True):
    """A proxy that waits for a desk to appear behind it."""

    proxy: ReverseProxy
    desk_port: int


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def front(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """Each proxy of the guide, on the guide's configuration."""
    if not (shutil.which(request.param) or shutil.which(request.param, path="/usr/sbin")):
        pytest.skip(f"needs {request.param}, which `make test` installs where it may (Debian: apt-get install)")
    configuration, folder = snippet(GUIDE, request.param), tmp_path_factory.mktemp(request.param)
    port, desk_port = free_port(), free_port()
    running = (
        nginx(configuration, folder, port, desk_port, HURRY)
        if request.param == "nginx"
        else caddy(configuration, folder, port, desk_port)
    )
    with running as proxy:
        yield Front(proxy=proxy, desk_port=desk_port)


@pytest.fixture
async def deployed(front: Front) -> AsyncIterator[Deployed]:
    """A fake desk's server behind a proxy."""
    proxy = front.proxy
    async with (
        desk_server(LIMITS, port=front.desk_port, shown_as=proxy.host) as desk,
        httpx.AsyncClient(
            base_url=f"https://{proxy.host}", headers=LOGIN, verify=proxy.trust, timeout=60, trust_env=False
        ) as http,
    ):
        yield Deployed(desk=desk, proxy=proxy, http=http)


async def heard(socket: ClientConnection, kind: type[ServerMessage]) -> Any:
    """Return the next message of a kind."""
    while True:
        (message,) = await hear(socket)
        if isinstance(message, kind):
            return message


def in_query(message: Hello) -> dict[str, str]:
    return {"hello": msgspec.json.encode(message).decode()}


async def test_the_page_and_its_interface_come_through_to_those_who_log_in(deployed: Deployed) -> None:
    answers = [(await deployed.http.get(path)).status_code for path in ("/health", "/api/sessions")]
    stranger = await deployed.http.get("/health", headers={"authorization": "Basic bm86bm8="})
    assert (answers, stranger.status_code) == ([200, 200], 401)


async def test_a_websocket_with_nothing_to_say_outlives_the_proxys_patience(deployed: Deployed) -> None:
    async with deployed.socket() as socket:
        await say(socket, hello(FILLS))
        await hear(socket, 3)
        until = time.monotonic() + IDLE_S
        beats = 0
        while time.monotonic() < until:
            await heard(socket, Heartbeat)
            beats += 1
        deployed.desk.desk.fill(1)
        pub: Pub = await heard(socket, Pub)
    ended = deployed.desk.hub.connections().ended
    assert beats >= (IDLE_S - 1) / LIMITS.heartbeat_s - 1
    assert (pub.topic, pub.seq) == (FILLS, 1)
    assert [one.closed_by for one in ended] in ([], ["client"])


async def test_an_event_stream_arrives_event_by_event_and_outlives_the_proxys_patience(deployed: Deployed) -> None:
    topics = [session_topic(name) for name in ("fills", "signals", "orders", "alerts", "transitions", "positions")]
    params = in_query(hello(*topics, tab="t" * 9_000))  # longer than what nginx takes without being told
    async with deployed.http.stream("GET", "/api/stream/sse", params=params) as answer:
        events = hear_events(answer)
        for _ in range(1 + 2 * len(topics)):
            await anext(events)
        until = time.monotonic() + IDLE_S
        while time.monotonic() < until:
            assert isinstance(await anext(events), Heartbeat)
        deployed.desk.desk.fill(1)
        async with asyncio.timeout(5):
            while not isinstance(message := await anext(events), Pub):
                pass
    assert (answer.status_code, message.seq) == (200, 1)


async def test_a_poll_is_held_and_answered(deployed: Deployed) -> None:
    position = SubRequest(topic=FILLS, epoch=deployed.desk.desk.epoch, seq=0)
    started = time.monotonic()
    answer = await deployed.http.post("/api/stream/poll", content=msgspec.json.encode(hello(subs=(position,))))
    held = time.monotonic() - started
    messages = msgspec.json.decode(answer.content, type=list[ServerMessage])
    assert (answer.status_code, isinstance(messages[-1], Heartbeat)) == (200, True)
    assert held < LIMITS.poll_hold_s + 5


async def test_a_page_of_another_site_gets_nothing_though_the_trader_is_logged_in(deployed: Deployed) -> None:
    foreign = {"origin": "https://evil.example"}
    stopped = await deployed.http.post("/api/sessions/x/stop", headers=foreign)
    with pytest.raises(InvalidStatus) as refused:
        async with deployed.socket(**foreign):
            pass
    assert (stopped.status_code, refused.value.response.status_code) == (403, 403)


async def test_the_record_of_a_connection_names_the_trader_and_not_the_proxy(deployed: Deployed) -> None:
    async with deployed.socket(**{"x-forwarded-for": "203.0.113.9"}) as socket:
        await say(socket, hello(FILLS))
        await hear(socket, 3)
        (live,) = deployed.desk.hub.connections().live
    assert live.peer.rpartition(":")[0] == "127.0.0.1"  # the address that reached the proxy, not the one it claims


async def test_a_desk_that_restarts_behind_the_proxy_is_found_again_and_nothing_is_lost(front: Front) -> None:
    proxy, log = front.proxy, FactLog([FILLS])
    client = StreamClient(
        f"https://{proxy.host}", [FILLS], headers=LOGIN, trust=proxy.trust, seed=1, backoff=Backoff(step_s=0.1)
    )

    async with desk_server(LIMITS, port=front.desk_port, shown_as=proxy.host) as first:
        following = asyncio.create_task(log.follow(client))
        await log.reached(0)
        first.desk.fill(3)
        await log.reached(3)
    first.desk.fill(3)
    async with desk_server(LIMITS, desk=first.desk, port=front.desk_port, shown_as=proxy.host):
        await log.reached(6)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    assert (log.seqs, client.snapshots) == ({FILLS: [1, 2, 3, 4, 5, 6]}, 1)
