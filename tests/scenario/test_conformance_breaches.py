"""The conformance suite notices what it is there for: a server that breaks one rule fails the case of that rule."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from papertape.server.settings import StreamLimits
from papertape.testkit.conformance.server.suite import check_server
from papertape.testkit.conformance.verdict import Verdict
from papertape.testkit.desk_server import DeskServer, desk_server
from papertape.testkit.fake_desk import SESSION_ID
from papertape.testkit.raw_stream import raw_stream
from papertape.wire.stream import PROTOCOL

LIMITS = StreamLimits(heartbeat_s=1.0, poll_hold_s=0.2, new_connections_per_s=10_000.0)
Story = list[dict[str, Any]]
Falsify = Callable[[dict[str, Any], Story], list[Any]]


async def relay(client: ServerConnection, real: DeskServer, falsify: Falsify) -> None:
    async with raw_stream(real.stream_url) as server:
        upwards = asyncio.create_task(pass_on(client, server))
        story: Story = []
        try:
            async for frame in server:
                true = json.loads(frame)
                for told in falsify(true, story):
                    await client.send(json.dumps(told))
                story.append(true)
        finally:
            upwards.cancel()
            await asyncio.gather(upwards, return_exceptions=True)
        await client.close(server.close_code or 1000)


async def pass_on(client: ServerConnection, server: ClientConnection) -> None:
    async for frame in client:
        await server.send(frame)
    await server.close()


async def verdict_of(real: DeskServer, falsify: Falsify, case: str) -> Verdict:
    """Check one case through a relay that falsifies what the server says; `story` is what it really said."""
    sessions = json.dumps({"items": [{"session_id": SESSION_ID, "state": "running"}]})

    def answer(connection: ServerConnection, request: Request) -> Response | None:
        return connection.respond(HTTPStatus.OK, sessions) if request.path == "/api/sessions" else None

    handler = partial(relay, real=real, falsify=falsify)
    async with serve(handler, "127.0.0.1", 0, process_request=answer, subprotocols=[Subprotocol(PROTOCOL)]) as liar:
        url = f"http://127.0.0.1:{liar.sockets[0].getsockname()[1]}"
        (verdict,) = await check_server(url, only=case, patience_s=2.0)
    return verdict


async def keep_publishing(server: DeskServer) -> None:
    while True:
        server.desk.fill(1)
        await asyncio.sleep(0.02)


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


async def test_a_server_that_breaks_a_rule_fails_the_case_of_that_rule() -> None:
    async with desk_server(LIMITS) as real:
        real.desk.fill(5)
        publisher = asyncio.create_task(keep_publishing(real))
        verdicts = await asyncio.gather(*(verdict_of(real, falsify, case) for falsify, case, _ in BREACHES))
        publisher.cancel()
        await asyncio.gather(publisher, return_exceptions=True)
    unnoticed = [
        (verdict.name, verdict.result, verdict.detail)
        for verdict, (_, _, detail) in zip(verdicts, BREACHES, strict=True)
        if verdict.result != "failed" or detail not in verdict.detail
    ]
    assert unnoticed == []
