"""The client on real sockets: every carrier, and the change between them under load, without loss or duplicates."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from typing import cast

import pytest

from papertape.client.backoff import Backoff
from papertape.client.limits import ClientLimits
from papertape.client.stream_client import StreamClient
from papertape.errors import Refused
from papertape.model.events import AlertRaised, AnyEvent, Event, OrderFilled
from papertape.server.settings import StreamLimits
from papertape.testkit.desk_server import DeskServer, desk_server
from papertape.testkit.fact_log import FactLog
from papertape.testkit.facts import fact
from papertape.testkit.fault_proxy import FaultProxy
from papertape.testkit.faults import CutUpgrade, HangUpgrade, RefuseUpgrade, UpgradeFault
from papertape.testkit.stream_probe import session_topic
from papertape.wire.http import Transport

KINDS: tuple[type[Event], ...] = (OrderFilled, AlertRaised)
TOPICS = [session_topic("fills"), session_topic("alerts")]
SERVER = StreamLimits(heartbeat_s=0.1, tick_s=0.02, poll_hold_s=0.5, new_connections_per_s=1_000.0)
QUICK = Backoff(floor_s=0.0, step_s=0.01, limit_s=0.05)
SCALED = ClientLimits(
    deadline_s=0.3, dead_s=1.0, grace_s=0.3, alive_s=0.3, probes_s=(0.2, 0.3, 0.3), early_probe_s=0.1, poll_pause_s=0.02
)


def client_of(port: int, *carriers: Transport, limits: ClientLimits = SCALED) -> StreamClient:
    carriers = carriers or ("websocket", "sse", "poll")
    url = f"http://127.0.0.1:{port}/api/stream"
    return StreamClient(url, TOPICS, backoff=QUICK, seed=1, limits=limits, carriers=carriers)


@contextlib.asynccontextmanager
async def following(client: StreamClient) -> AsyncIterator[FactLog]:
    log = FactLog(client.status().topics)

    async def follow() -> None:
        async with aclosing(client.updates()) as updates:
            async for update in updates:
                log.take(update)

    task = asyncio.create_task(follow())
    try:
        yield log
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def publish(server: DeskServer, first: int, count: int) -> None:
    facts = (fact(KINDS[seq % len(KINDS)], seq) for seq in range(first, first + count))
    server.desk.publish(*cast("Iterator[AnyEvent]", facts))  # every kind above is one of AnyEvent


class Load:
    """Facts published a few at a time while the block runs; `last` is the newest."""

    def __init__(self, server: DeskServer) -> None:
        self._server = server
        self.last = 0

    async def __aenter__(self) -> Load:
        self._task = asyncio.create_task(self._publish())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _publish(self) -> None:
        while True:
            publish(self._server, self.last + 1, 2)
            self.last += 2
            await asyncio.sleep(0.005)  # the load's own pace


async def becomes(what: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not what():
            await asyncio.sleep(0.01)  # the status of a client has no event to wait for


@pytest.mark.parametrize("carrier", ["websocket", "sse", "poll"])
async def test_each_carrier_alone_delivers_every_fact_once_and_in_order(carrier: Transport) -> None:
    async with desk_server(SERVER) as server, following(client := client_of(server.port, carrier)) as log:
        async with Load(server) as load:
            await log.reached(200)
        await log.reached(load.last)
        status = client.status()
    assert log.seqs == log.expected(load.last)
    assert (status.transport, status.phase, client.connects, client.closes) == (carrier, "live", 1, ())


@pytest.mark.parametrize("fault", [RefuseUpgrade(), HangUpgrade(), CutUpgrade(after_s=0.05)], ids=lambda it: type(it).__name__)
async def test_blocked_websockets_fall_back_under_load_and_return_when_the_block_ends(fault: UpgradeFault) -> None:
    async with FaultProxy() as proxy, desk_server(SERVER, behind=proxy) as server:
        proxy.apply(fault)
        async with following(client := client_of(proxy.port)) as log, Load(server) as load:
            await becomes(lambda: client.status().transport == "sse" and log.count > 100)
            proxy.heal()
            await becomes(lambda: client.status().transport == "websocket" and client.status().phase == "live")
            there = load.last
            await log.reached(there + 50)
            await load.__aexit__()
            await log.reached(load.last)
    assert log.seqs == log.expected(load.last)
