"""A fake desk behind the real server on a real socket and a free port."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import msgspec

from papertape.server.app import create_app
from papertape.server.hub import StreamHub
from papertape.server.serve import serving
from papertape.server.settings import ServerSettings, StreamLimits
from papertape.testkit.fake_desk import FakeDesk
from papertape.testkit.fault_proxy import FaultProxy


class DeskServer(msgspec.Struct, frozen=True, kw_only=True):
    """What a test holds: the page's address, its port, the desk and the hub."""

    url: str
    port: int
    desk: FakeDesk
    hub: StreamHub

    @property
    def stream_url(self) -> str:
        """Return the WebSocket's address."""
        return f"ws://127.0.0.1:{self.port}/api/stream"


@contextlib.asynccontextmanager
async def desk_server(
    limits: StreamLimits | None = None,
    desk: FakeDesk | None = None,
    port: int = 0,
    behind: FaultProxy | None = None,
    shown_as: str | None = None,
) -> AsyncIterator[DeskServer]:
    """Serve while the block runs; `behind` a proxy, the proxy's address is answered too and it forwards here.

    `shown_as` is the `NAME:PORT` under which a proxy shows the desk by https.
    """
    hosts = [f"127.0.0.1:{behind.port}"] if behind is not None else []
    origins = []
    if shown_as is not None:
        hosts.append(shown_as)
        origins.append(f"https://{shown_as}")
    settings = ServerSettings(
        port=port,
        shutdown_s=1,
        stream=limits or StreamLimits(),
        extra_hosts=frozenset(hosts),
        extra_origins=frozenset(origins),
    )
    desk = desk or FakeDesk()
    hub = StreamHub(desk, settings.stream)
    desk.outlets.append(hub)
    try:
        async with serving(create_app(desk, settings, hub), hub, settings) as url:
            server = DeskServer(url=url, port=int(url.rpartition(":")[2]), desk=desk, hub=hub)
            if behind is not None:
                behind.target_port = server.port
            yield server
    finally:
        desk.outlets.remove(hub)
