"""Forced cuts of the connection: every fact once, in order, all subscriptions back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import cast

import pytest

from papertape.client.backoff import Backoff
from papertape.client.stream_client import StreamClient
from papertape.errors import Refused
from papertape.model.events import AlertRaised, AnyEvent, Event, InstanceTransitioned, OrderFilled, SignalFired
from papertape.server.settings import StreamLimits
from papertape.testkit.desk_server import DeskServer, desk_server
from papertape.testkit.fact_log import FactLog
from papertape.testkit.facts import fact
from papertape.testkit.fault_proxy import FaultProxy
from papertape.testkit.faults import CUTS, Cut
from papertape.testkit.stream_probe import session_topic

KINDS: dict[str, type[Event]] = {
    "transitions": InstanceTransitioned,
    "signals": SignalFired,
    "fills": OrderFilled,
    "alerts": AlertRaised,
}
TOPICS = [session_topic(name) for name in KINDS]
LIMITS = StreamLimits(heartbeat_s=0.05, tick_s=0.02)
QUICK = Backoff(floor_s=0.0, step_s=0.001, limit_s=0.01)


def client_of(port: int) -> StreamClient:
    url = f"ws://127.0.0.1:{port}/api/stream"
    return StreamClient(
        url, TOPICS, backoff=QUICK, dead_s=0.2, grace_s=0.1, deadline_s=2.0, seed=1, carriers=["websocket"]
    )


def publish(server: DeskServer, first: int, count: int) -> None:
    kinds = [*KINDS.values()]
    facts = (fact(kinds[seq % len(kinds)], seq) for seq in range(first, first + count))
    server.desk.publish(*cast("Iterator[AnyEvent]", facts))  # every kind above is one of AnyEvent


@pytest.mark.parametrize("kind", CUTS)
async def test_facts_published_during_a_cut_of_each_kind_arrive_after_it(kind: Cut) -> None:
    async with FaultProxy() as proxy, desk_server(LIMITS, behind=proxy) as server:
        client, log = client_of(proxy.port), FactLog(TOPICS)
        following = asyncio.create_task(log.follow(client))
        await log.reached(0)
        publish(server, 1, 8)
        await log.reached(8)
        proxy.cut(kind)
        publish(server, 9, 8)
        await log.reached(16)
        following.cancel()
    assert log.seqs == log.expected(16)
    assert client.connects >= 2
    assert client.snapshots == len(TOPICS)


async def test_twenty_random_cuts_lose_nothing_double_nothing_and_keep_the_order() -> None:
    async with FaultProxy(seed=20) as proxy, desk_server(LIMITS, behind=proxy) as server:
        client, log = client_of(proxy.port), FactLog(TOPICS)
        following = asyncio.create_task(log.follow(client))
        await log.reached(0)
        last = 0
        for _ in range(20):
            publish(server, last + 1, 5)
            proxy.random_cut()
            publish(server, last + 6, 5)
            last += 10
            await log.reached(last)
        following.cancel()
        stories = [ended.client_story for ended in server.hub.connections().ended]
    assert log.seqs == log.expected(200)
    assert client.connects >= 21  # a busy machine may be taken for a silent one now and then
    assert client.snapshots == len(TOPICS)  # the first connection's only: every other was resumed
    assert client.resumes >= 20 * len(TOPICS)
    assert all(story is not None for story in stories)


async def test_a_server_that_restarts_is_found_again_and_no_fact_is_lost() -> None:
    log = FactLog(TOPICS)
    async with desk_server(LIMITS) as first:
        client = client_of(first.port)
        following = asyncio.create_task(log.follow(client))
        await log.reached(0)
        publish(first, 1, 8)
        await log.reached(8)
    publish(first, 9, 8)
    async with desk_server(LIMITS, desk=first.desk, port=first.port):
        await log.reached(16)
        following.cancel()
    assert log.seqs == log.expected(16)
    assert client.snapshots == len(TOPICS)


async def test_a_publication_the_hub_never_gave_is_noticed_by_the_heads_and_fetched() -> None:
    async with desk_server(LIMITS) as server:
        client, log = client_of(server.port), FactLog(TOPICS)
        following = asyncio.create_task(log.follow(client))
        await log.reached(0)
        server.desk.outlets.clear()
        publish(server, 1, 4)
        server.desk.outlets.append(server.hub)
        publish(server, 5, 4)
        await log.reached(8)
        following.cancel()
    assert log.seqs == log.expected(8)


async def test_a_client_that_the_desk_forbids_to_come_back_stops() -> None:
    limits = StreamLimits(topics=1)
    async with desk_server(limits) as server:
        with pytest.raises(Refused, match="4008"):
            await FactLog(TOPICS).follow(client_of(server.port))


def test_an_unknown_topic_is_refused_before_connecting() -> None:
    with pytest.raises(Refused, match="There is no topic"):
        StreamClient("ws://127.0.0.1:1/api/stream", ["session/nope"])
