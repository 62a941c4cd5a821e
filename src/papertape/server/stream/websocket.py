"""The stream over a WebSocket, as a raw ASGI endpoint."""

from __future__ import annotations

import asyncio
import contextlib

from papertape.server.asgi import Message, Receive, Send, agent, peer, respond_error
from papertape.server.ending import Ending
from papertape.server.hub import StreamHub
from papertape.server.stream.carry import cancelled, guarded
from papertape.server.stream.frame_protocol import EXTENSION
from papertape.server.stream.frame_writer import FrameWriter, LoopTurn
from papertape.server.subscriber import Subscriber
from papertape.wire import close
from papertape.wire.stream import PROTOCOL

# Codes that the WebSocket layer itself closes with when the peer breaks its rules.
_BROKEN_BY_CLIENT = {
    1002: "The client broke the WebSocket protocol.",
    1007: "The client sent text that is not UTF-8.",
    1009: "The client sent a frame larger than 64 KB.",
}


class WebSocketEndpoint:
    """Serves the stream's WebSockets of one hub."""

    def __init__(self, hub: StreamHub) -> None:
        self._hub = hub
        self._turn = LoopTurn()

    async def serve(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one WebSocket from its handshake to its end."""
        hub = self._hub
        await receive()  # websocket.connect
        refusal = hub.refusal()
        if refusal is not None:
            await respond_error(scope, send, 503, refusal.error, headers=refusal.headers)
            return
        is_ours = PROTOCOL in scope["subprotocols"]
        await send({"type": "websocket.accept", "subprotocol": PROTOCOL if is_ours else None})
        subscriber = hub.connect("websocket", peer(scope), agent(scope))

        async def finish(ending: Ending) -> None:
            with contextlib.suppress(OSError):  # the client left first
                await send({"type": "websocket.close", "code": ending.code, "reason": _short(ending.reason)})

        writer = FrameWriter(hub, self._turn, subscriber, scope["extensions"][EXTENSION], finish)
        if not is_ours:
            subscriber.end("server", close.VERSION, f"The client must ask for the sub-protocol {PROTOCOL}.")
        try:
            await guarded(subscriber, _read(subscriber, receive))
            await writer.closed()
        except asyncio.CancelledError:
            cancelled(subscriber)
            raise
        finally:
            writer.stop()
            hub.disconnected(subscriber)


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
