"""The Python client plays every script of the conformance suite by the rules, and a careless client does not."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from papertape.client.backoff import Backoff
from papertape.client.stream_client import StreamClient
from papertape.testkit.conformance.client.script import Script
from papertape.testkit.conformance.client.stage import Report, Stage
from papertape.testkit.conformance.client.starting import command_client, python_client
from papertape.testkit.conformance.client.suite import SCRIPTS, check_client, play
from papertape.testkit.conformance.page import fragments_of
from papertape.wire.reference import REFERENCE_FILE
from papertape.wire.stream import PROTOCOL, Snap

SCALE = 0.05
PAGE = (Path(__file__).resolve().parents[2] / REFERENCE_FILE).read_text(encoding="utf-8")


async def test_the_python_client_plays_every_script_by_the_rules() -> None:
    verdicts = await check_client(python_client, scale=SCALE, at_once=len(SCRIPTS))
    assert {verdict.name: verdict.detail for verdict in verdicts if verdict.result != "passed"} == {}
    assert len(verdicts) == len(SCRIPTS)


async def test_a_client_is_started_as_a_command_and_says_what_it_delivers() -> None:
    command = (sys.executable, "-m", "papertape.testkit.conformance.client.python_command")
    (verdict,) = await check_client(
        command_client(command), scale=SCALE, only="a_snapshot_and_publications_are_delivered"
    )
    assert (verdict.result, verdict.detail) == ("passed", "")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_the_rule_of_a_script_stands_in_the_reference(script: Script) -> None:
    assert script.where in fragments_of(PAGE)


@contextlib.asynccontextmanager
async def careless_client(stage: Stage, topics: tuple[str, ...]) -> AsyncIterator[None]:
    """Deliver whatever comes, forget positions, come back at once by WebSocket whatever was said."""
    address = stage.url.replace("http", "ws") + "/api/stream"
    hello = json.dumps({"t": "hello", "v": 1, "tab": "careless", "subs": [{"topic": topic} for topic in topics]})

    async def follow() -> None:
        while True:
            with contextlib.suppress(WebSocketException, OSError):
                async with connect(address, subprotocols=[Subprotocol(PROTOCOL)], ping_interval=None) as socket:
                    await socket.send(hello)
                    async for frame in socket:
                        message = json.loads(frame)
                        if isinstance(message, dict) and message["t"] in ("snap", "pub"):
                            kind: Literal["pub", "snapshot"] = "pub" if message["t"] == "pub" else "snapshot"
                            place = {key: message[key] for key in ("topic", "epoch", "seq")}
                            stage.report(Report(kind=kind, **place))
            await asyncio.sleep(0.02)

    following = asyncio.create_task(follow())
    yield
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


CARELESS = {
    "duplicates_are_dropped": "was expected",
    "a_hole_is_asked_for": "no `sub` came",
    "a_head_that_never_came_is_asked_for": "no `sub` came",
    "pages_make_one_snapshot": "before its last page",
    "positions_are_in_the_next_hello": "says the position (None, None)",
    "arrays_of_messages_are_taken": "does not say `batch`",
    "a_stop_code_ends_it": "that it stopped",
    "retry_ms_is_kept": "were asked",
    "prev_tells_the_last_end": "`prev` is None",
    "a_missing_welcome_is_given_up": "did not come within",
}


class AlwaysWaiting(Backoff, frozen=True):
    """Waits before a planned return as after a failure."""

    def spread_s(self, chance: random.Random) -> float:
        return self.delay_s(1, chance)


@contextlib.asynccontextmanager
async def waiting_client(stage: Stage, topics: tuple[str, ...]) -> AsyncIterator[None]:
    backoff = AlwaysWaiting(floor_s=0.5 * stage.scale, step_s=0.5 * stage.scale)

    async def follow() -> None:
        async for update in StreamClient(f"{stage.url}/api/stream", topics, backoff=backoff, seed=1).updates():
            if isinstance(update, Snap):
                stage.report(Report(kind="snapshot", topic=update.topic, epoch=update.epoch, seq=update.seq))

    following = asyncio.create_task(follow())
    yield
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


async def test_a_client_that_waits_before_a_planned_return_is_noticed_however_often_it_is_played() -> None:
    (verdict,) = await check_client(waiting_client, scale=SCALE, only="a_planned_end_is_no_failure")
    assert (verdict.result, "it waits as after a failure" in verdict.detail) == ("failed", True)


async def test_a_careless_client_fails_the_scripts_of_the_rules_it_breaks() -> None:
    scripts = [script for script in SCRIPTS if script.name in CARELESS]
    verdicts = await asyncio.gather(*(play(script, careless_client, SCALE) for script in scripts))
    unnoticed = [
        (verdict.name, verdict.result, verdict.detail)
        for verdict in verdicts
        if verdict.result != "failed" or CARELESS[verdict.name] not in verdict.detail
    ]
    assert unnoticed == []
    assert len(verdicts) == len(CARELESS)
