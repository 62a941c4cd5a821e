"""A bare WebSocket to a desk, or its event stream, for tests that speak the protocol by hand or break it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import httpx
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from papertape.wire.stream import PROTOCOL, ClientMessage, Hello, ServerMessage, SubRequest

_decoder: msgspec.json.Decoder[ServerMessage] = msgspec.json.Decoder(ServerMessage)


@contextlib.asynccontextmanager
async def raw_stream(url: str, **options: Any) -> AsyncIterator[ClientConnection]:
    """Yield a connected socket; `options` go to `websockets`."""
    options = {"subprotocols": [Subprotocol(PROTOCOL)], "compression": None, "ping_interval": None, **options}
    async with connect(url, **options) as socket:
        yield socket


async def say(socket: ClientConnection, message: ClientMessage) -> None:
    """Send one message."""
    await socket.send(msgspec.json.encode(message).decode())


async def hear(socket: ClientConnection, count: int = 1) -> list[ServerMessage]:
    """Return the next `count` messages."""
    return [_decoder.decode(await socket.recv()) for _ in range(count)]


async def hear_events(answer: httpx.Response) -> AsyncGenerator[ServerMessage, None]:
    """Yield the messages of an event stream whose `data:` lines hold one each."""
    async for line in answer.aiter_lines():
        if line.startswith("data: "):
            yield _decoder.decode(line.removeprefix("data: "))


async def hear_end(socket: ClientConnection) -> tuple[list[ServerMessage], int | None]:
    """Return everything until the server closes, and its close code."""
    messages: list[ServerMessage] = []
    try:
        while True:
            messages += await hear(socket)
    except ConnectionClosed as closed:
        return messages, closed.rcvd.code if closed.rcvd is not None else None


def hello(*topics: str, **fields: Any) -> Hello:
    """Return a `hello` with these topics and no positions."""
    return Hello(**{"v": 1, "tab": "raw", "subs": tuple(SubRequest(topic=topic) for topic in topics), **fields})
