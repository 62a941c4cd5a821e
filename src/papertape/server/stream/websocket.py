"""The stream over a WebSocket, as a raw ASGI endpoint."""

from __future__ import annotations

from papertape.server.asgi import Message, Receive, Send, peer, respond_error
from papertape.server.hub import StreamHub
from papertape.server.stream.carry import carry
from papertape.server.subscriber import Ending, Subscriber
from papertape.wire import close
from papertape.wire.http import ErrorBody
from papertape.wire.stream import PROTOCOL

# Codes that the WebSocket layer itself closes with when the peer breaks its rules.
_BROKEN_BY_CLIENT = {
    1002: "The client broke the WebSocket protocol.",
    1007: "The client sent text that is not UTF-8.",
    1009: "The client sent a frame larger than 64 KB.",
}

OVERLOADED = ErrorBody(
    code="stream.overload",
    message="Too many connections are being opened at once; try again in a second.",
    retry=True,
)


async def serve_websocket(hub: StreamHub, scope: Message, receive: Receive, send: Send) -> None:
    """Serve one WebSocket from its handshake to its end."""
    await receive()  # websocket.connect
    if not hub.admits():
        await respond_error(scope, send, 503, OVERLOADED, headers=[(b"retry-after", b"1")])
        return
    is_ours = PROTOCOL in scope["subprotocols"]
    await send({"type": "websocket.accept", "subprotocol": PROTOCOL if is_ours else None})
    subscriber = hub.connect("websocket", peer(scope))
    if not is_ours:
        subscriber.end("server", close.VERSION, f"The client must ask for the sub-protocol {PROTOCOL}.")

    async def write(frame: bytes) -> None:
        await send({"type": "websocket.send", "text": frame.decode()})

    async def finish(ending: Ending) -> None:
        await send({"type": "websocket.close", "code": ending.code, "reason": _short(ending.reason)})

    await carry(hub, subscriber, _read(subscriber, receive), write, finish)


async def _read(subscriber: Subscriber, receive: Receive) -> None:
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            _end(subscriber, message)
            return
        text = message.get("text")
        subscriber.receive(text if text is not None else message.get("bytes") or b"")


def _end(subscriber: Subscriber, message: Message) -> None:
    code = message.get("code", 1005)
    if code in _BROKEN_BY_CLIENT:
        subscriber.end("server", code, _BROKEN_BY_CLIENT[code], is_gone=True)
    elif code == 1012:
        subscriber.end("server", code, "The desk is restarting.", is_gone=True)
    elif "reason" in message:
        subscriber.end("client", code, message["reason"] or "The client closed the connection.")
    else:
        cut = "The connection was cut without a closing handshake, or no pong came for 60 s."
        subscriber.end("network", 1006, cut)


def _short(reason: str) -> str:
    return reason.encode()[:120].decode(errors="ignore")
