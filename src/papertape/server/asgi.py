"""The few ASGI shapes the raw endpoints use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

import msgspec

from papertape.wire.http import ErrorBody

Message = MutableMapping[str, Any]  # an ASGI message or scope: its shape is open by the ASGI specification
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


def header(scope: Message, name: bytes) -> str | None:
    """Return a header's value, None when it is absent, "" when it is given more than once and differs."""
    values = {value for key, value in scope["headers"] if key.lower() == name}
    if len(values) > 1:
        return ""
    return next(iter(values)).decode("latin-1") if values else None


def peer(scope: Message) -> str:
    """Return the client's address as text."""
    client = scope.get("client")
    return f"{client[0]}:{client[1]}" if client else "unknown"


def agent(scope: Message) -> str:
    """Return what the client says it is, at most 120 characters."""
    return (header(scope, b"user-agent") or "")[:120]


async def respond(
    scope: Message,
    send: Send,
    status: int,
    body: bytes,
    content_type: str = "application/json",
    headers: Iterable[tuple[bytes, bytes]] = (),
) -> None:
    """Send a whole answer; a WebSocket that was not accepted is answered as HTTP where the server can."""
    prefix = "http.response"
    if scope["type"] == "websocket":
        prefix = "websocket.http.response"
        if prefix not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1008})
            return
    fixed = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": f"{prefix}.start", "status": status, "headers": [*fixed, *headers]})
    await send({"type": f"{prefix}.body", "body": body})


async def respond_error(
    scope: Message, send: Send, status: int, error: ErrorBody, headers: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    """Send an error in the shape every error has."""
    await respond(scope, send, status, msgspec.json.encode(error), headers=headers)


class ClientLeft(Exception):
    """The client went before its request was complete; nobody is left to answer."""


async def read_body(receive: Receive, limit: int) -> bytes | None:
    """Return the request's whole body, or None when it exceeds `limit` bytes.

    Raises:
        ClientLeft: the body ended before its end.
    """
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientLeft
        body += message.get("body", b"")
        if len(body) > limit:
            return None
        if not message.get("more_body", False):
            return bytes(body)
