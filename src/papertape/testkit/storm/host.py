"""The server of one run behind its fault proxy; it can be replaced while clients are there."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Self

import msgspec

from papertape.server.app import create_app
from papertape.server.asgi import App, Message, Receive, Send, respond
from papertape.server.hub import StreamHub
from papertape.server.memory import MemoryLimit, MemoryWatch
from papertape.server.serve import serving
from papertape.server.settings import ServerSettings, StreamLimits
from papertape.testkit.fault_proxy import FaultProxy
from papertape.testkit.storm.desk import StormDesk
from papertape.wire.http import Connections, ConnectionView


class Host:
    """Clients reach the server by the proxy's port only, so that they find the next one where the last was."""

    def __init__(self, desk: StormDesk, limits: StreamLimits, proxy: FaultProxy) -> None:
        self.desk = desk
        self.proxy = proxy
        self.hubs: list[StreamHub] = []
        self.memory_share = 0.1
        self.worst_queue_bytes = 0
        self.worst_queue_messages = 0
        self._limits = limits
        self._stack = contextlib.AsyncExitStack()
        self._port = 0

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
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            head = f"GET /api/connections HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode())
            answer = await reader.read(-1)
        finally:
            writer.close()
            await writer.wait_closed()
        return msgspec.json.decode(answer.partition(b"\r\n\r\n")[2], type=Connections)

    def _memory_used(self) -> int:
        return int(1_000_000_000 * self.memory_share)

    async def _start(self) -> None:
        self._stack = contextlib.AsyncExitStack()
        settings = ServerSettings(
            port=0, shutdown_s=1, stream=self._limits, extra_hosts=frozenset({f"127.0.0.1:{self.proxy.port}"})
        )
        memory = MemoryWatch(MemoryLimit(size=1_000_000_000, source="the storm"), self._memory_used)
        hub = StreamHub(self.desk, self._limits, memory=memory)
        self.desk.outlets.append(hub)
        self._stack.callback(self.desk.outlets.remove, hub)
        app = create_app(self.desk, settings, hub, _connections_only(hub))
        url = await self._stack.enter_async_context(serving(app, hub, settings))
        self._port = self.proxy.target_port = int(url.rpartition(":")[2])
        self.hubs.append(hub)


def _connections_only(hub: StreamHub) -> App:
    async def answer(scope: Message, _: Receive, send: Send) -> None:
        await respond(scope, send, 200, msgspec.json.encode(hub.connections()))

    return answer
