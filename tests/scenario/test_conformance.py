"""The server keeps every rule of `docs/reference/stream.md`: the conformance suite, as any server can be held to it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from papertape.model.events import AlertRaised
from papertape.model.session import StartSession
from papertape.model.views import PreflightView
from papertape.server.settings import StreamLimits
from papertape.testkit.conformance.page import fragments_of
from papertape.testkit.conformance.server.case import Case
from papertape.testkit.conformance.server.suite import CASES, check_server
from papertape.testkit.desk_server import DeskServer, desk_server
from papertape.testkit.facts import fact
from papertape.wire.reference import REFERENCE_FILE

LIMITS = StreamLimits(heartbeat_s=1.0, hello_deadline_s=4.0, poll_hold_s=0.3, new_connections_per_s=10_000.0)
PAGE = (Path(__file__).resolve().parents[2] / REFERENCE_FILE).read_text(encoding="utf-8")
SESSIONS = 17  # with eight topics each: more than a connection may have


async def keep_busy(server: DeskServer) -> None:
    for number in itertools.count():
        server.desk.fill(1)
        server.desk.show("watchlist", PreflightView(key="a", status="ok", checks=(), ts=number))
        await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def busy_server() -> AsyncIterator[DeskServer]:
    async with desk_server(LIMITS) as server:
        server.desk.fill(5)
        server.desk.publish(fact(AlertRaised, 6))
        for number in range(SESSIONS - 1):
            await server.desk.start(StartSession(strategies=("mine",), symbols=("BTCUSDT",)), str(number))
        publisher = asyncio.create_task(keep_busy(server))
        try:
            yield server
        finally:
            publisher.cancel()
            await asyncio.gather(publisher, return_exceptions=True)


async def test_our_server_keeps_every_rule() -> None:
    async with busy_server() as server:
        verdicts = await check_server(server.url, patience_s=20.0)
    assert {verdict.name: verdict.detail for verdict in verdicts if verdict.result != "passed"} == {}
    assert len(verdicts) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_rule_of_a_case_stands_in_the_reference(case: Case) -> None:
    assert case.where in fragments_of(PAGE)
