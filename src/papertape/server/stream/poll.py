"""The stream by long polling: `hello` in, held until there is news, an array of the server's messages out.

A client's position is in the `hello` of every request, so that nothing is kept between two of them but the record of
the connection, by tab.
"""

from __future__ import annotations

import asyncio

import msgspec

from papertape.server.asgi import Message, Receive, Send, peer, read_body, respond, respond_error
from papertape.server.connections import Connection
from papertape.server.hub import StreamHub
from papertape.server.stream.websocket import OVERLOADED
from papertape.server.subscriber import Subscriber
from papertape.wire.http import ErrorBody
from papertape.wire.stream import Hello

_MAX_HELLO = 65_536
_FORGET_US = 60_000_000


class PollEndpoint:
    """Answers polls; polls of one tab are one connection until none came for a minute."""

    def __init__(self, hub: StreamHub) -> None:
        self._hub = hub
        self._connections: dict[str, Connection] = {}
        hub.on_tick.append(self._forget_silent)

    async def serve(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["method"] != "POST":
            error = ErrorBody(code="http.method", message="Poll with POST and `hello` as the body.")
            return await respond_error(scope, send, 405, error, headers=[(b"allow", b"POST")])
        body = await read_body(receive, _MAX_HELLO)
        if body is None:
            error = ErrorBody(code="http.too_large", message="A `hello` has at most 64 KB.")
            return await respond_error(scope, send, 413, error)
        if not self._hub.admits():
            return await respond_error(scope, send, 503, OVERLOADED, headers=[(b"retry-after", b"1")])
        subscriber = self._subscriber(peer(scope), body)
        frames = await self._hold(subscriber, receive)
        if subscriber.ending is not None:
            self._forget(subscriber.connection)
            self._hub.disconnected(subscriber)
        else:
            frames.append(subscriber.heartbeat())
            self._hub.detach(subscriber)
        return await respond(
            scope, send, 200, b"[" + b",".join(frames) + b"]", headers=[(b"cache-control", b"no-store")]
        )

    def _subscriber(self, address: str, body: bytes) -> Subscriber:
        tab = _tab_of(body)
        known = self._connections.get(tab) if tab else None
        if known is not None:
            subscriber = self._hub.attach(known)
        else:
            subscriber = self._hub.connect("poll", address)
            self._connections[tab or subscriber.connection.id] = subscriber.connection
        subscriber.receive(body)
        return subscriber

    async def _hold(self, subscriber: Subscriber, receive: Receive) -> list[bytes]:
        frames: list[bytes] = []
        gone = asyncio.ensure_future(_disconnected(subscriber, receive))
        try:
            async with asyncio.timeout(self._hub.limits.poll_hold_s):
                while True:
                    while (frame := subscriber.next_frame()) is not None:
                        frames.append(frame)
                    if subscriber.news or subscriber.ending is not None:
                        return frames
                    subscriber.wake.clear()
                    await subscriber.wake.wait()
        except TimeoutError:
            return frames
        finally:
            gone.cancel()

    def _forget(self, connection: Connection) -> None:
        for key in [key for key, known in self._connections.items() if known is connection]:
            del self._connections[key]

    def _forget_silent(self) -> None:
        now = self._hub.clock()
        for connection in tuple(self._connections.values()):
            if now - connection.last_rx_ts > _FORGET_US:
                self._forget(connection)
                self._hub.book.ended(connection, now, "client", 1000, "The client stopped polling.")


def _tab_of(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=Hello).tab
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""  # the subscriber says what is wrong with it


async def _disconnected(subscriber: Subscriber, receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    subscriber.end("network", 1006, "The client left before its poll was answered.")
