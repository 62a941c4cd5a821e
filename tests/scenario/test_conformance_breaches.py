"""The conformance suite notices what it is there for: a server that breaks one rule fails the case of that rule."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from papertape.server.app import create_app
from papertape.server.asgi import App, Message, Receive, Send
from papertape.server.hub import StreamHub
from papertape.server.serve import serving
from papertape.server.settings import ServerSettings, StreamLimits
from papertape.testkit.conformance.server.suite import check_server
from papertape.testkit.fake_desk import FakeDesk

LIMITS = StreamLimits(heartbeat_s=1.0, poll_hold_s=0.2, new_connections_per_s=10_000.0)
Story = list[dict[str, Any]]
Falsify = Callable[[dict[str, Any], Story], list[Any]]


class Liar:
    """An app whose WebSocket messages are falsified on their way out; `story` is what was said before."""

    def __init__(self, app: App, falsify: Falsify) -> None:
        self._app = app
        self._falsify = falsify

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        story: Story = []

        async def lie(message: Message) -> None:
            if message["type"] != "websocket.send":
                return await send(message)
            true = json.loads(message["text"])
            for told in self._falsify(true, story):
                await send({"type": "websocket.send", "text": json.dumps(told)})
            story.append(true)
            return None

        await self._app(scope, receive, lie if scope["type"] == "websocket" else send)


@contextlib.asynccontextmanager
async def lying_server(falsify: Falsify) -> AsyncIterator[str]:
    desk, settings = FakeDesk(), ServerSettings(port=0, shutdown_s=1, stream=LIMITS)
    hub = StreamHub(desk, settings.stream)
    desk.outlets.append(hub)
    desk.fill(5)

    async def publish() -> None:
        while True:
            desk.fill(1)
            await asyncio.sleep(0.02)

    async with serving(Liar(create_app(desk, settings, hub), falsify), hub, settings) as url:
        publisher = asyncio.create_task(publish())
        yield url
        publisher.cancel()
        await asyncio.gather(publisher, return_exceptions=True)


def change(tag: str, **fields: Any) -> Falsify:
    return lambda told, _: [{**told, **fields}] if told["t"] == tag else [told]


def hide(tag: str) -> Falsify:
    return lambda told, _: [] if told["t"] == tag else [told]


def lose_every_third_pub(told: dict[str, Any], story: Story) -> list[Any]:
    pubs = sum(message["t"] == "pub" for message in story)
    return [] if told["t"] == "pub" and pubs % 3 == 2 else [told]


BREACHES: list[tuple[Falsify, str, str]] = [
    (hide("welcome"), "welcome_is_the_first_message", "must be `welcome`"),
    (hide("bye"), "a_second_hello_is_closed_4005", "without a `bye`"),
    (hide("pong"), "ping_is_answered_by_pong", "nothing came"),
    (hide("hb"), "heartbeats_come_in_time", "nothing came"),
    (hide("snap"), "snapshot_pages_are_complete_and_at_one_position", "nothing came"),
    (change("welcome", colour="red"), "welcome_is_the_first_message", "undeclared ['colour']"),
    (change("pong", id="7"), "ping_is_answered_by_pong", "another type"),
    (change("bye", code=4103), "another_version_is_closed_4004", "4004 was expected"),
    (change("sub", resumed=True), "a_position_in_the_future_gets_a_snapshot", "from the future"),
    (change("hb", heads={}), "heads_name_the_subscribed_facts", "heads are {}"),
    (lose_every_third_pub, "facts_form_a_chain", "does not continue"),
    (lambda told, _: [told, told] if told["t"] == "pub" else [told], "facts_form_a_chain", "does not continue"),
    (lambda told, _: [[told]], "welcome_is_the_first_message", "did not say `batch`"),
]


@pytest.mark.parametrize(
    ("falsify", "case", "detail"), BREACHES, ids=[f"{number}-{case}" for number, (_, case, _) in enumerate(BREACHES)]
)
async def test_a_server_that_breaks_a_rule_fails_its_case(falsify: Falsify, case: str, detail: str) -> None:
    async with lying_server(falsify) as url:
        (verdict,) = await check_server(url, only=case, patience_s=0.5)
    assert verdict.result == "failed"
    assert detail in verdict.detail
