"""The server of one run behind its fault proxy; it can be replaced while clients are there."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Self

import msgspec

from papertape.server.hub import StreamHub
from papertape.server.settings import StreamLimits
from papertape.testkit.desk_server import DeskServer, desk_server
from papertape.testkit.fault_proxy import FaultProxy
from papertape.testkit.storm.desk import StormDesk
from papertape.wire.http import Connections, ConnectionView


class Host:
    """Clients reach the server by the proxy's port only, so that they find the next one where the last was."""

    def __init__(self, desk: StormDesk, limits: StreamLimits, proxy: FaultProxy) -> None:
        self.desk = desk
        self.proxy = proxy
        self.hubs: list[StreamHub] = []
        self.worst_queue_bytes = 0
        self.worst_queue_messages = 0
        self._limits = limits
        self._stack = contextlib.AsyncExitStack()
        self._server: DeskServer | None = None

    async def __aenter__(self) -> Self:
        await self._start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def hub(self) -> StreamHub:
        """Return the hub that serves now."""
        return self.hubs[-1]

    async def restart(self, pause_s: float) -> None:
        """End the server as a signal would, and start one on the same desk."""
        await self._stack.aclose()
        await asyncio.sleep(pause_s)
        await self._start()

    def look(self) -> None:
        """Note what waits in the fullest connection."""
        for connection in self.hub.book:
            self.worst_queue_bytes = max(self.worst_queue_bytes, connection.queue_bytes)
            self.worst_queue_messages = max(self.worst_queue_messages, connection.queue_messages)

    def ended(self) -> list[ConnectionView]:
        """Return the records of every connection that ended, of all servers."""
        return [record for hub in self.hubs for record in hub.connections().ended]

    def live(self) -> int:
        """Return how many connections are recorded as live, of all servers."""
        return sum(len(hub.book) for hub in self.hubs)

    async def told(self) -> Connections:
        """Return what the server answers to whoever asks for its connections."""
        assert self._server is not None  # set on entry
        reader, writer = await asyncio.open_connection("127.0.0.1", self._server.port)
        try:
            head = f"GET /api/connections HTTP/1.1\r\nHost: 127.0.0.1:{self._server.port}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode())
            answer = await reader.read(-1)
        finally:
            writer.close()
            await writer.wait_closed()
        return msgspec.json.decode(answer.partition(b"\r\n\r\n")[2], type=Connections)

    async def _start(self) -> None:
        self._stack = contextlib.AsyncExitStack()
        self._server = await self._stack.enter_async_context(
            desk_server(self._limits, desk=self.desk, behind=self.proxy)
        )
        self.hubs.append(self._server.hub)
