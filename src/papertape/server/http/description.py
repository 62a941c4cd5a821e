"""Serves the API's own description, which takes a quarter of a second to make, without holding the event loop."""

from __future__ import annotations

import asyncio
from typing import cast

import msgspec
from litestar import Litestar

from papertape.server.asgi import App, Message, Receive, Send, respond

DESCRIPTION_PATH = "/schema/openapi.json"
_MEDIA_TYPE = "application/vnd.oai.openapi+json"


class Described:
    """The HTTP API in front of which its description is made once, in a thread, when it is first asked for."""

    def __init__(self, api: Litestar) -> None:
        self._api = api
        self._making: asyncio.Task[bytes] | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        if scope["type"] == "http" and scope["path"] == DESCRIPTION_PATH and scope["method"] == "GET":
            if self._making is None:
                self._making = asyncio.create_task(asyncio.to_thread(self._make), name="description of the API")
            await respond(scope, send, 200, await asyncio.shield(self._making), _MEDIA_TYPE)
        else:
            await cast(App, self._api)(scope, receive, send)

    def _make(self) -> bytes:
        return msgspec.json.encode(self._api.openapi_schema.to_schema())
