"""Clients of a storm that do what no client should, again and again until they are stopped."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket as sockets
from collections.abc import Awaitable, Callable
from urllib.parse import quote

import msgspec
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, WebSocketException

from papertape.server.settings import StreamLimits
from papertape.testkit.raw_stream import hear, hear_end, hello, say
from papertape.testkit.storm.followers import small_stream
from papertape.testkit.storm.scenario import Kind
from papertape.wire import close
from papertape.wire.stream import Hello, Ping, Unsub

_GARBAGE: tuple[str | bytes, ...] = (
    "", "null", "[]", "{}", '{"t":"hello"', '{"t":"none"}', '{"t":"hello","v":"1","tab":"x"}', '{"t":"pub"}', b"\x00",
    b"\xff\xfe", '{"t":"sub","subs":[]}', '{"t":"vis","visible":true}', "[" * 2000, '{"t":"hello","v":1,"tab":7}',
)  # fmt: skip

EXPECTED: dict[Kind, int] = {
    "mute": close.SILENT,
    "garbage": close.MALFORMED,
    "oversized": 1009,
    "flood": close.RATE,
    "twice": close.MALFORMED,
    "greedy": close.TOO_MANY,
    "outdated": close.VERSION,
}

Offence = Callable[["Offender", ClientConnection], Awaitable[None]]


class Offender:
    """One such client. `codes` are the close codes it was given; `offences` how often it began."""

    def __init__(
        self, kind: Kind, port: int, topics: tuple[str, ...], limits: StreamLimits, chance: random.Random
    ) -> None:
        self.kind = kind
        self.topics = topics
        self.limits = limits
        self.chance = chance
        self.codes: list[int] = []
        self.offences = 0
        self._port = port

    @property
    def is_owed(self) -> bool:
        """Return whether it has not been closed as it should be even once."""
        return self.kind in EXPECTED and EXPECTED[self.kind] not in self.codes

    async def run(self) -> None:
        """Offend until cancelled."""
        while True:
            with contextlib.suppress(ConnectionClosed, WebSocketException, OSError, TimeoutError):
                await self._offend()
            await asyncio.sleep(0.05)

    async def _offend(self) -> None:
        self.offences += 1
        if self.kind in ("sse_stuck", "poll_leaver"):
            await self._by_http()
            return
        async with small_stream(self._port) as socket:
            await _OFFENCES[self.kind](self, socket)

    async def _by_http(self) -> None:
        raw = sockets.socket(sockets.AF_INET, sockets.SOCK_STREAM, sockets.IPPROTO_TCP)
        raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        raw.setblocking(False)
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_connect(raw, ("127.0.0.1", self._port))
            await loop.sock_sendall(raw, self._request())
            await asyncio.sleep(3600.0 if self.kind == "sse_stuck" else self.chance.uniform(0.0, 0.2))
        finally:
            raw.close()

    def _request(self) -> bytes:
        body = msgspec.json.encode(hello(*self.topics, tab=f"{self.kind}-{self.offences}"))
        host = f"HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n"
        if self.kind == "sse_stuck":
            return f"GET /api/stream/sse?hello={quote(body.decode())} {host}\r\n".encode()
        return f"POST /api/stream/poll {host}Content-Length: {len(body)}\r\n\r\n".encode() + body

    async def hear_end(self, socket: ClientConnection) -> None:
        """Wait for the server's verdict and keep it."""
        async with asyncio.timeout(10.0):
            _, code = await hear_end(socket)
        if code is not None:
            self.codes.append(code)


async def _stuck(offender: Offender, socket: ClientConnection) -> None:
    await say(socket, hello(*offender.topics))
    await asyncio.sleep(3600.0)


async def _mute(offender: Offender, socket: ClientConnection) -> None:
    await offender.hear_end(socket)


async def _garbage(offender: Offender, socket: ClientConnection) -> None:
    await socket.send(offender.chance.choice(_GARBAGE))
    await offender.hear_end(socket)


async def _oversized(offender: Offender, socket: ClientConnection) -> None:
    await say(socket, hello(*offender.topics))
    await socket.send("x" * 70_000)
    await offender.hear_end(socket)


async def _flood(offender: Offender, socket: ClientConnection) -> None:
    await say(socket, hello())
    for number in range(offender.limits.message_burst * 3):
        await say(socket, Ping(id=number))
    await offender.hear_end(socket)


async def _twice(offender: Offender, socket: ClientConnection) -> None:
    await say(socket, hello(*offender.topics))
    await say(socket, hello(*offender.topics))
    await offender.hear_end(socket)


async def _greedy(offender: Offender, socket: ClientConnection) -> None:
    await say(socket, hello(*offender.topics))
    await offender.hear_end(socket)


async def _outdated(offender: Offender, socket: ClientConnection) -> None:
    await say(socket, Hello(v=99, tab="outdated"))
    await offender.hear_end(socket)


async def _leaver(offender: Offender, socket: ClientConnection) -> None:
    await say(socket, hello(*offender.topics))
    await hear(socket, offender.chance.randrange(8))
    if offender.chance.random() < 0.3:
        await say(socket, Unsub(topics=offender.topics[:1]))


_OFFENCES: dict[Kind, Offence] = {
    "stuck": _stuck,
    "mute": _mute,
    "garbage": _garbage,
    "oversized": _oversized,
    "flood": _flood,
    "twice": _twice,
    "greedy": _greedy,
    "outdated": _outdated,
    "leaver": _leaver,
}
