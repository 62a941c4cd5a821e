"""The stream by long polling: `hello` in, held until there is news, an array of the server's messages out.

A client's position is in the `hello` of every request, so that nothing is kept between two of them but the record of
the connection, by tab.
"""

from __future__ import annotations

import asyncio

import msgspec

from papertape.server.asgi import ClientLeft, Message, Receive, Send, agent, peer, read_body, respond, respond_error
from papertape.server.connections import Connection
from papertape.server.hub import StreamHub
from papertape.server.stream.carry import cancelled, failed
from papertape.server.subscriber import Subscriber
from papertape.wire.http import ErrorBody
from papertape.wire.stream import Hello

_MAX_HELLO = 65_536
_FORGET_S = 60.0
_TAB_CHARS = 64


class PollEndpoint:
    """Answers polls; polls of one tab are one connection until none came for a minute."""

    def __init__(self, hub: StreamHub) -> None:
        self._hub = hub
        self._connections: dict[str, Connection] = {}
        self._newest: dict[Connection, Subscriber] = {}  # of the polls that are held
        hub.on_tick.append(self._forget_silent)

    async def serve(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["method"] != "POST":
            error = ErrorBody(code="http.method", message="Poll with POST and `hello` as the body.")
            return await respond_error(scope, send, 405, error, headers=[(b"allow", b"POST")])
        try:
            body = await read_body(receive, _MAX_HELLO)
        except ClientLeft:
            return None  # nothing was said, so there is no connection to record
        if body is None:
            error = ErrorBody(code="http.too_large", message="A `hello` has at most 64 KB.")
            return await respond_error(scope, send, 413, error)
        tab = _tab_of(body)
        known = self._connections.get(tab)
        refusal = self._hub.refusal() if known is None else None
        if refusal is not None:
            return await respond_error(scope, send, 503, refusal.error, headers=refusal.headers)
        subscriber = self._subscriber(scope, tab, known)
        self._newest[subscriber.connection] = subscriber
        frames: list[bytes] = []
        try:
            subscriber.receive(body)
            frames = await self._hold(subscriber, receive)
            if subscriber.ending is None:
                frames.append(subscriber.heartbeat())
        except asyncio.CancelledError:
            cancelled(subscriber)
            raise
        except Exception as error:  # noqa: BLE001 - the request border: one client's failure must not touch another's
            failed(subscriber, error)
            frames = subscriber.next_frames(_MAX_HELLO)  # its goodbye
        finally:
            if self._newest.get(subscriber.connection) is subscriber:
                del self._newest[subscriber.connection]
            if subscriber.ending is not None:
                self._forget(subscriber.connection)
                self._hub.disconnected(subscriber)
            else:
                self._hub.detach(subscriber)
        return await respond(
            scope, send, 200, b"[" + b",".join(frames) + b"]", headers=[(b"cache-control", b"no-store")]
        )

    def _subscriber(self, scope: Message, tab: str, known: Connection | None) -> Subscriber:
        if known is not None:
            return self._hub.attach(known)
        subscriber = self._hub.connect("poll", peer(scope), agent(scope))
        self._connections[tab or subscriber.connection.id] = subscriber.connection
        subscriber.news += 1  # the first poll is answered at once: a client waits 10 s for a welcome, not a hold
        return subscriber

    async def _hold(self, subscriber: Subscriber, receive: Receive) -> list[bytes]:
        frames: list[bytes] = []
        size = 0
        subscriber.wake = wake = asyncio.Event()
        gone = asyncio.ensure_future(_disconnected(receive))
        gone.add_done_callback(lambda _: wake.set())
        try:
            async with asyncio.timeout(self._hub.limits.poll_hold_s):
                while True:
                    while (frame := subscriber.next_frame()) is not None:
                        frames.append(frame)
                        size += len(frame)
                    if gone.done():
                        self._on_left(subscriber)
                    is_news = bool(subscriber.news) and subscriber.is_answered
                    # a long answer goes without the rest: the next poll asks for it again
                    if is_news or size >= self._hub.limits.reply_bytes or subscriber.ending or gone.done():
                        return frames
                    wake.clear()
                    await wake.wait()
        except TimeoutError:
            return frames
        finally:
            gone.cancel()

    def _on_left(self, subscriber: Subscriber) -> None:
        if self._newest.get(subscriber.connection) is subscriber:  # otherwise it has only asked anew
            subscriber.end("network", 1006, "The client left before its poll was answered.")

    def _forget(self, connection: Connection) -> None:
        for key in [key for key, known in self._connections.items() if known is connection]:
            del self._connections[key]

    def _forget_silent(self) -> None:
        now = self._hub.attentive_s()
        for connection in tuple(self._connections.values()):
            if now - connection.heard_at > _FORGET_S:
                self._forget(connection)
                self._hub.book.ended(connection, self._hub.clock(), "client", 1000, "The client stopped polling.")


def _tab_of(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=Hello).tab[:_TAB_CHARS]
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""  # the subscriber says what is wrong with it


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
