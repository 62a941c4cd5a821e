"""The whole server application without a socket, for requests in process."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any, cast

import httpx

from papertape.server.app import create_app
from papertape.server.desk_port import DeskPort
from papertape.server.hub import StreamHub
from papertape.server.settings import ServerSettings

HOST = "127.0.0.1:8420"


@contextlib.asynccontextmanager
async def http_probe(
    desk: DeskPort, settings: ServerSettings | None = None, hub: StreamHub | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of the application over `desk`; failures inside become answers, as on a socket."""
    settings = settings or ServerSettings()
    app = create_app(desk, settings, hub or StreamHub(desk, settings.stream))
    transport = httpx.ASGITransport(app=cast(Any, app), raise_app_exceptions=False)  # httpx types its own scopes
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as client:
        yield client
