"""A WebSocket client that costs as little as it can, for measurements in which it shares the machine with the server.

It shakes hands, says `hello`, answers pings, finds the frames, and searches their bytes instead of decoding them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import time
from collections.abc import AsyncIterator, Iterable

import msgspec

from papertape.wire.stream import PROTOCOL, Hello, SubRequest

_TEXT, _CLOSE, _PING, _PONG = 0x1, 0x8, 0x9, 0xA
_PUB = b'{"t":"pub",'
_ANSWER, _REFUSAL = b'{"t":"sub",', b'{"t":"err",'
_FACT_MADE = re.compile(rb'"at=(\d+) ')
_TICK_MADE = re.compile(rb'"tick=(\d+) ')
_POSITION = re.compile(rb'\{"t":"pub","topic":"([^"]+)","epoch":"[^"]*","seq":(\d+),')


class LightClient(asyncio.Protocol):
    """One connection. With `keeps_ages` every moment in what it reads is compared with now, in milliseconds.

    With `keeps_seqs` the position of every publication is kept in order, by topic.
    """

    def __init__(self, hello: Hello, *, keeps_ages: bool = True, keeps_seqs: bool = False) -> None:
        self.pubs = 0
        self.frames = 0
        self.bytes = 0
        self.fact_ages_ms: list[float] = []
        self.tick_ages_ms: list[float] = []
        self.seqs: dict[bytes, list[int]] = {}
        self.close_code: int | None = None
        self.last_at = 0.0
        self.longest_silence_s = 0.0
        self.upgraded = asyncio.Event()
        self.opened = asyncio.Event()
        self.closed = asyncio.Event()
        self._wanted = 0
        self._moved = asyncio.Event()
        self._hello = hello
        self._unanswered = len(hello.subs)
        self._keeps_ages = keeps_ages
        self._keeps_seqs = keeps_seqs
        self._rest = b""
        self._is_open = False
        self._is_closing = False
        self._transport: asyncio.Transport | None = None

    @property
    def transport(self) -> asyncio.Transport:
        """Return the connection."""
        assert self._transport is not None
        return self._transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        host, port = transport.get_extra_info("peername")[:2]
        lines = (
            "GET /api/stream HTTP/1.1", f"Host: {host}:{port}", "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Protocol: {PROTOCOL}", "", "",
        )  # fmt: skip
        transport.write("\r\n".join(lines).encode())

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        self.bytes += len(data)
        if self._rest:
            data = self._rest + data
        if self._is_open:
            self._rest = self._take_frames(data)
            return
        head, separator, rest = data.partition(b"\r\n\r\n")
        if not separator:
            self._rest = data
            return
        if b" 101 " not in head[:16]:
            self.transport.abort()
            return
        self._is_open = True
        self.upgraded.set()
        self._send(_TEXT, msgspec.json.encode(self._hello))
        self._rest = self._take_frames(rest)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end."""
        del exc
        self.closed.set()
        self.upgraded.set()
        self.opened.set()
        self._moved.set()

    def reset_silence(self) -> None:
        """Begin to look for the longest silence now."""
        self.last_at, self.longest_silence_s = time.monotonic(), 0.0

    def close(self) -> None:
        """Begin the closing handshake."""
        self._is_closing = True
        self._send(_CLOSE, (1000).to_bytes(2))

    async def reached(self, pubs: int) -> None:
        """Wait until this many publications are here, or the connection has ended."""
        self._wanted = pubs
        while self.pubs < pubs and not self.closed.is_set():
            self._moved.clear()
            await self._moved.wait()

    def _take_frames(self, data: bytes) -> bytes:
        start, end = 0, len(data)
        while end - start >= 2:
            opcode, size, body = data[start] & 0x0F, data[start + 1], start + 2
            if size == 126:
                body += 2
                size = int.from_bytes(data[start + 2 : body])
            elif size == 127:
                body += 8
                size = int.from_bytes(data[start + 2 : body])
            if end < body + size:
                break
            start = body + size
            self._take(opcode, data[body:start])
        return data[start:]

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode != _TEXT:
            self._take_control(opcode, payload)
            return
        now = time.monotonic_ns()
        self.longest_silence_s = max(self.longest_silence_s, now / 1e9 - (self.last_at or now / 1e9))
        self.last_at = now / 1e9
        self.frames += 1
        if self._unanswered >= 0:
            self._count_answers(payload)
        pubs = payload.count(_PUB)
        self.pubs += pubs
        if pubs and self.pubs >= self._wanted:
            self._moved.set()
        if self._keeps_ages and pubs:
            self.fact_ages_ms += [(now - int(made)) / 1e6 for made in _FACT_MADE.findall(payload)]
            self.tick_ages_ms += [(now - int(made)) / 1e6 for made in _TICK_MADE.findall(payload)]
        if self._keeps_seqs and pubs:
            for topic, seq in _POSITION.findall(payload):
                self.seqs.setdefault(topic, []).append(int(seq))

    def _count_answers(self, payload: bytes) -> None:
        self._unanswered -= payload.count(_ANSWER) + payload.count(_REFUSAL)
        if self._unanswered <= 0:
            self._unanswered = -1
            self.opened.set()

    def _take_control(self, opcode: int, payload: bytes) -> None:
        if opcode == _PING:
            self._send(_PONG, payload)
        elif opcode == _CLOSE:
            self.close_code = int.from_bytes(payload[:2]) if payload else None
            if not self._is_closing:
                self._send(_CLOSE, payload[:2])
            self.transport.close()

    def _send(self, opcode: int, payload: bytes) -> None:
        mask = os.urandom(4)
        length = len(payload)
        size = bytes([0x80 | length]) if length < 126 else b"\xfe" + length.to_bytes(2)
        padded = (mask * (length // 4 + 1))[:length]
        masked = (int.from_bytes(payload) ^ int.from_bytes(padded)).to_bytes(length)
        self.transport.write(bytes([0x80 | opcode]) + size + mask + masked)


async def light_client(
    port: int,
    topics: Iterable[str | SubRequest],
    *,
    batch: bool = True,
    keeps_ages: bool = True,
    keeps_seqs: bool = False,
    receive_buffer: int | None = None,
    waits: bool = True,
) -> LightClient:
    """Return a client whose subscriptions are answered, or whose attempt has failed (`closed` is set).

    Without `waits` the handshake is enough.
    """
    subs = tuple(each if isinstance(each, SubRequest) else SubRequest(topic=each) for each in topics)
    hello = Hello(v=1, tab="light", batch=batch, subs=subs)
    sock = socket.socket()
    sock.setblocking(False)
    if receive_buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, ("127.0.0.1", port))
    _, client = await loop.create_connection(
        lambda: LightClient(hello, keeps_ages=keeps_ages, keeps_seqs=keeps_seqs), sock=sock
    )
    await (client.opened if waits else client.upgraded).wait()
    return client


@contextlib.asynccontextmanager
async def light_clients(
    port: int,
    count: int,
    topics: Iterable[str],
    *,
    batch: bool = True,
    keeps_ages: bool = True,
    checked: int = 0,
    waits: bool = True,
) -> AsyncIterator[list[LightClient]]:
    """Yield `count` subscribed clients, one after the other; the first `checked` keep every seq."""
    wanted = tuple(topics)
    opened = [
        await light_client(port, wanted, batch=batch, keeps_ages=keeps_ages, keeps_seqs=index < checked, waits=waits)
        for index in range(count)
    ]
    try:
        yield opened
    finally:
        for client in opened:
            client.transport.abort()
