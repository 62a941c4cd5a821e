"""What a WebSocket's server says of its end, and whose doing that was."""

from __future__ import annotations

import asyncio

import pytest

from papertape.server.asgi import Message
from papertape.server.stream.frame_protocol import EXTENSION
from papertape.server.stream.websocket import WebSocketEndpoint
from papertape.testkit.stream_probe import HubBench
from papertape.wire.stream import PROTOCOL


class Wire:
    """A transport that takes everything, in place of the server's protocol."""

    is_open = is_writable = True

    def __init__(self) -> None:
        self.texts: list[bytes] = []

    def write_texts(self, payloads: list[bytes]) -> None:
        self.texts += payloads

    def abort_after(self, seconds: float) -> None:
        """Never needed: the client takes everything."""


class Handshake:
    """One WebSocket as an ASGI server passes it on; `ends` is what it says of the end."""

    def __init__(self, *ends: Message, is_gone: bool = False) -> None:
        self.scope = {
            "type": "websocket", "path": "/api/stream", "subprotocols": [PROTOCOL], "headers": [],
            "client": ("127.0.0.1", 50_000), "extensions": {EXTENSION: Wire()},
        }  # fmt: skip
        self.sent: list[Message] = []
        self._heard: list[Message] = [{"type": "websocket.connect"}, *ends]
        self._is_gone = is_gone

    async def receive(self) -> Message:
        if not self._heard:
            await asyncio.Event().wait()
        return self._heard.pop(0)

    async def send(self, message: Message) -> None:
        if self._is_gone:
            raise OSError("the client is gone")
        self.sent.append(message)


@pytest.mark.parametrize(
    ("message", "by", "code", "reason"),
    [
        ({"code": 1000, "reason": "done"}, "client", 1000, "done"),
        ({"code": 1001, "reason": ""}, "client", 1001, "The client closed the connection."),
        ({"code": 1011, "reason": "keepalive ping timeout"}, "client", 1011, "keepalive ping timeout"),
        ({"code": 1002, "reason": "bad"}, "server", 1002, "The client broke the WebSocket protocol."),
        ({"code": 1007, "reason": "bad"}, "server", 1007, "The client sent text that is not UTF-8."),
        ({"code": 1009, "reason": "big"}, "server", 1009, "The client sent a frame larger than 64 KB."),
        ({"code": 1012}, "server", 1012, "The desk is restarting."),
        (
            {"code": 1005},
            "network",
            1006,
            "The connection was cut without a closing handshake, or no pong came for 60 s.",
        ),
        ({}, "network", 1006, "The connection was cut without a closing handshake, or no pong came for 60 s."),
    ],
)
async def test_each_end_has_who_which_code_and_why(message: Message, by: str, code: int, reason: str) -> None:
    bench = HubBench()
    handshake = Handshake({"type": "websocket.disconnect", **message})
    await WebSocketEndpoint(bench.hub).serve(handshake.scope, handshake.receive, handshake.send)
    (ended,) = bench.hub.connections().ended
    assert (ended.closed_by, ended.code, ended.reason) == (by, code, reason)
    assert bench.hub.idle.is_set()


async def test_a_client_that_is_gone_when_it_is_accepted_was_never_a_connection() -> None:
    bench = HubBench()
    handshake = Handshake(is_gone=True)
    with pytest.raises(OSError, match="gone"):
        await WebSocketEndpoint(bench.hub).serve(handshake.scope, handshake.receive, handshake.send)
    health = bench.hub.health()
    assert (health.opened, health.closes, bench.hub.idle.is_set()) == (0, [], True)


async def test_who_is_refused_is_counted_and_told_why() -> None:
    bench = HubBench()
    bench.hub.farewell("The desk is shutting down.")
    handshake = Handshake()
    handshake.scope["extensions"] = {"websocket.http.response": {}}
    await WebSocketEndpoint(bench.hub).serve(handshake.scope, handshake.receive, handshake.send)
    start, body = handshake.sent
    assert (start["status"], (b"retry-after", b"2") in start["headers"]) == (503, True)
    assert b"The desk is shutting down; try again when it is back." in body["body"]
    assert bench.hub.health().refused == 1


async def test_who_is_accepted_while_the_desk_begins_to_shut_down_is_told_at_once() -> None:
    bench = HubBench()
    handshake = Handshake()
    closed = asyncio.Event()

    async def send(message: Message) -> None:
        await handshake.send(message)
        if message["type"] == "websocket.accept":
            bench.hub.farewell("The desk is shutting down.")
        else:
            closed.set()

    serving = asyncio.ensure_future(WebSocketEndpoint(bench.hub).serve(handshake.scope, handshake.receive, send))
    async with asyncio.timeout(30):
        await closed.wait()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    assert [(one.closed_by, one.code) for one in bench.hub.connections().ended] == [("server", 1001)]
