"""The client on real sockets: every carrier, and the change between them under load, without loss or duplicates."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from typing import Self, cast

import pytest
from msgspec.structs import replace

from papertape.client.backoff import Backoff
from papertape.client.limits import ClientLimits
from papertape.client.stream_client import StreamClient
from papertape.errors import Conflict, Refused
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


class WatchedLog(FactLog):
    """A log that looks at something else whenever a fact comes."""

    async def until(self, what: Callable[[], bool], timeout_s: float = 10.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not what():
                self._moved.clear()
                await self._moved.wait()


@contextlib.asynccontextmanager
async def following(client: StreamClient) -> AsyncIterator[WatchedLog]:
    log = WatchedLog(client.status().topics)

    task = asyncio.create_task(log.follow(client))
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

    async def __aenter__(self) -> Self:
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


@pytest.mark.parametrize("carrier", ["websocket", "sse", "poll"])
async def test_each_carrier_alone_delivers_every_fact_once_and_in_order(carrier: Transport) -> None:
    async with desk_server(SERVER) as server, following(client := client_of(server.port, carrier)) as log:
        async with Load(server) as load:
            await log.reached(200)
        await log.reached(load.last)
        status = client.status()
    assert log.seqs == log.expected(load.last)
    assert (status.transport, status.phase, client.connects, client.closes) == (carrier, "live", 1, ())


BLOCKS = [
    (RefuseUpgrade(), "sse"),
    (HangUpgrade(), "sse"),
    (CutUpgrade(after_s=0.05), "sse"),
    (RefuseUpgrade(), "poll"),
]


@pytest.mark.parametrize(("fault", "fallback"), BLOCKS, ids=lambda it: it if isinstance(it, str) else type(it).__name__)
async def test_blocked_websockets_fall_back_under_load_and_return_when_the_block_ends(
    fault: UpgradeFault, fallback: Transport
) -> None:
    async with FaultProxy() as proxy, desk_server(SERVER, behind=proxy) as server:
        proxy.apply(fault)
        async with following(client := client_of(proxy.port, "websocket", fallback)) as log:
            async with Load(server) as load:
                await log.until(lambda: client.status().transport == fallback and log.count > 100)
                proxy.heal()
                await log.until(lambda: client.status().transport == "websocket" and client.status().phase == "live")
                await log.reached(load.last + 50)
            await log.reached(load.last)
            failed = {record.transport for record in client.closes if record.alive_s is None}
    assert log.seqs == log.expected(load.last)
    assert failed == (set() if isinstance(fault, CutUpgrade) else {"websocket"})


async def test_cancelling_the_one_who_follows_leaves_nothing_behind() -> None:
    async with desk_server(SERVER) as server:
        before = asyncio.all_tasks()
        for carrier in ("websocket", "sse", "poll"):
            async with following(client_of(server.port, carrier)) as log:
                await log.reached(0)
        after = asyncio.all_tasks()
        await asyncio.wait_for(server.hub.idle.wait(), 30)
    assert {task.get_name() for task in after - before if "papertape" in task.get_name()} == set()


async def test_a_script_that_stops_in_the_middle_and_goes_on_later_has_every_fact_once() -> None:
    async with desk_server(SERVER) as server:
        client, log = client_of(server.port), FactLog(TOPICS)
        for last in (10, 20, 30):
            publish(server, last - 9, 10)
            async with aclosing(client.updates()) as updates:
                async for update in updates:
                    log.take(update)
                    if log.count >= last - 5:
                        break
        async with aclosing(client.updates()) as updates:
            while log.count < 30:
                log.take(await anext(updates))
    assert log.seqs == log.expected(30)
    assert client.resumes > 0


async def test_a_loop_that_was_blocked_for_longer_than_the_verdict_disconnects_nobody() -> None:
    limits = replace(SCALED, dead_s=0.2, grace_s=0.1, late_s=0.1)
    async with desk_server(SERVER) as server, following(client := client_of(server.port, limits=limits)) as log:
        await log.reached(0)
        time.sleep(0.5)  # noqa: ASYNC251  blocking the loop is what this is about
        publish(server, 1, 4)
        await log.reached(4)
    assert (log.seqs, client.connects, client.closes) == (log.expected(4), 1, ())


async def test_a_desk_that_says_why_it_answers_nobody_here_is_believed() -> None:
    async with desk_server(SERVER) as server, FaultProxy(server.port) as proxy:
        updates = client_of(proxy.port).updates()
        with pytest.raises(Refused, match=r"for good \(4003\): This desk does not answer to the host"):
            await anext(updates)


async def test_a_client_has_one_follower() -> None:
    async with desk_server(SERVER) as server, following(client := client_of(server.port)) as log:
        await log.reached(0)
        with pytest.raises(Conflict, match="give each follower a client of its own"):
            await anext(client.updates())


async def test_topics_are_added_and_removed_while_it_runs() -> None:
    async with desk_server(SERVER) as server:
        client = client_of(server.port)
        client.remove(*TOPICS)
        async with aclosing(client.updates()) as updates:
            client.add(TOPICS[0])
            first = await anext(updates)
            client.remove(TOPICS[0])
            client.add(TOPICS[1])
            second = await anext(updates)
            publish(server, 1, 3)
            third = await anext(updates)
    seen = [(type(update).__name__, update.topic) for update in (first, second, third)]
    assert seen == [("Snap", TOPICS[0]), ("Snap", TOPICS[1]), ("Pub", TOPICS[1])]
