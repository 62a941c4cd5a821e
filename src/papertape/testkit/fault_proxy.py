"""A TCP proxy that breaks connections on purpose, in ways and at times that a seed repeats."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from typing import Literal, Self, cast

Cut = Literal["reset", "fin", "black_hole"]
CUTS: tuple[Cut, ...] = ("reset", "fin", "black_hole")

_CHUNK = 65_536


class _Link:
    def __init__(self, client: asyncio.StreamWriter, target: asyncio.StreamWriter) -> None:
        self.writers = (client, target)
        self.is_swallowing = False

    def cut(self, kind: Cut) -> None:
        if kind == "black_hole":
            self.is_swallowing = True
            return
        for writer in self.writers:
            if kind == "reset":
                raw = cast(socket.socket, writer.get_extra_info("socket"))
                with contextlib.suppress(OSError):
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            else:
                writer.close()


class FaultProxy:
    """Forwards to `target_port` on loopback, which may be set once the proxy's own port is known.

    `latency_s` delays every chunk; `cut` breaks every open connection.
    A reset drops unsent bytes; a FIN lets them arrive; a black hole swallows what either side sends and stays open.
    """

    def __init__(self, target_port: int = 0, *, seed: int = 1, latency_s: float = 0.0) -> None:
        self.port = 0
        self.latency_s = latency_s
        self.accepted = 0
        self.target_port = target_port
        self._chance = random.Random(seed)
        self._links: set[_Link] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None  # set on entry
        self._server.close()
        for link in tuple(self._links):
            link.cut("reset")
        await self._server.wait_closed()

    def cut(self, kind: Cut) -> int:
        """Break every open connection and return how many there were."""
        links = [link for link in self._links if not link.is_swallowing]
        for link in links:
            link.cut(kind)
        return len(links)

    def random_cut(self) -> Cut:
        """Break every open connection in a way the seed chooses, and return it."""
        kind = self._chance.choice(CUTS)
        self.cut(kind)
        return kind

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        try:
            target_reader, target_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            writer.transport.abort()
            return
        link = _Link(writer, target_writer)
        self._links.add(link)
        try:
            await asyncio.gather(self._pump(link, reader, target_writer), self._pump(link, target_reader, writer))
        finally:
            self._links.discard(link)
            for end in link.writers:
                end.close()

    async def _pump(self, link: _Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(_CHUNK):
                if self.latency_s:
                    await asyncio.sleep(self.latency_s)
                if link.is_swallowing:
                    continue
                writer.write(chunk)
                await writer.drain()
        writer.close()
