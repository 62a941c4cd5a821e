"""A stream client that owns its list of topics with its positions, and survives every loss of its connection."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Iterable

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from papertape.client.backoff import Backoff
from papertape.client.cursor import Cursor
from papertape.errors import Refused
from papertape.wire.close import reaction_to
from papertape.wire.stream import (
    PROTOCOL,
    Bye,
    Heartbeat,
    Hello,
    Ping,
    PreviousClose,
    Pub,
    ServerMessage,
    Snap,
    StreamError,
    Sub,
    Subscribed,
    Welcome,
)
from papertape.wire.topics import parse_topic

Update = Pub | Snap | StreamError

_decoder: msgspec.json.Decoder[ServerMessage] = msgspec.json.Decoder(ServerMessage)


class StreamClient:
    """Yields publications and snapshots of its topics: every fact once, in order per topic.

    `url` is the desk's stream, such as `ws://127.0.0.1:8420/api/stream`. `dead_s` replaces the server's own verdict on
    silence. Seconds throughout.
    """

    def __init__(
        self,
        url: str,
        topics: Iterable[str],
        *,
        tab: str = "python",
        backoff: Backoff | None = None,
        dead_s: float | None = None,
        grace_s: float = 10.0,
        deadline_s: float = 10.0,
        seed: int | None = None,
    ) -> None:
        self.url = url
        self.connects = 0
        self.holes = 0
        self.duplicates = 0
        self.resumes = 0
        self.snapshots = 0
        self.previous: PreviousClose | None = None
        self._cursors = {topic: Cursor(topic, is_fact=_is_fact(topic)) for topic in topics}
        self._tab = tab
        self._backoff = backoff or Backoff()
        self._dead_s = dead_s
        self._grace_s = grace_s
        self._deadline_s = deadline_s
        self._chance = random.Random(seed)
        self._failures = 0
        self._conn: str | None = None
        self._opened_at = 0.0
        self._bye: Bye | None = None
        self._verdict_s = 45.0

    async def updates(self) -> AsyncGenerator[Update, None]:
        """Yield what is new, for ever; reconnects by itself.

        Raises:
            Refused: the desk closed with a code that forbids to come back.
        """
        while True:
            self._opened_at = time.monotonic()
            self._conn, self._bye = None, None
            code: int | None = None
            try:
                async with asyncio.timeout(self._deadline_s):
                    socket = await connect(
                        self.url, subprotocols=[Subprotocol(PROTOCOL)], compression=None, ping_interval=None
                    )
                try:
                    await self._greet(socket)
                    while True:
                        update = await self._step(socket)
                        if update is not None:
                            yield update
                finally:
                    await socket.close()
            except ConnectionClosed as closed:
                code = closed.rcvd.code if closed.rcvd is not None else None
            except (OSError, WebSocketException, TimeoutError):
                code = None
            await self._rest(code)

    async def _greet(self, socket: ClientConnection) -> None:
        wanted = tuple(cursor.request() for cursor in self._cursors.values())
        await _send(socket, Hello(v=1, tab=self._tab, prev=self.previous, subs=wanted))
        async with asyncio.timeout(self._deadline_s):
            self._take_control(_decoder.decode(await socket.recv()))

    async def _step(self, socket: ClientConnection) -> Update | None:
        update, asked = self._take(await self._receive(socket))
        if asked is not None:
            await _send(socket, Sub(subs=(asked.request(),)))
        return update

    async def _receive(self, socket: ClientConnection) -> ServerMessage:
        try:
            async with asyncio.timeout(self._dead_s or self._verdict_s):
                return _decoder.decode(await socket.recv())
        except TimeoutError:
            await _send(socket, Ping(id=0))
            try:
                async with asyncio.timeout(self._grace_s):
                    return _decoder.decode(await socket.recv())
            except TimeoutError:
                socket.transport.abort()  # a closing handshake would wait on the silence
                raise

    def _take(self, message: ServerMessage) -> tuple[Update | None, Cursor | None]:
        if isinstance(message, Heartbeat):
            behind = (self._cursors[topic] for topic, head in message.heads.items() if self._is_behind(topic, head))
            cursor = next(behind, None)
            self.holes += cursor is not None
            return None, cursor
        if isinstance(message, StreamError):
            return message, None
        if not isinstance(message, Subscribed | Snap | Pub):
            self._take_control(message)
            return None, None
        return self._take_topic(message, self._cursors[message.topic])

    def _take_topic(self, message: Subscribed | Snap | Pub, cursor: Cursor) -> tuple[Update | None, Cursor | None]:
        if isinstance(message, Subscribed):
            cursor.on_subscribed(message)
            self.resumes += message.resumed
            self.snapshots += not message.resumed
            return None, None
        if isinstance(message, Snap):
            cursor.on_snap(message)
            return message, None
        verdict = cursor.on_pub(message)
        if verdict == "new":
            return message, None
        self.duplicates += verdict == "duplicate"
        self.holes += verdict == "hole"
        return None, cursor if verdict == "hole" else None

    def _take_control(self, message: ServerMessage) -> None:
        if isinstance(message, Welcome):
            self.connects += 1
            self._conn = message.conn
            self._verdict_s = float(message.dead_s)
        elif isinstance(message, Bye):
            self._bye = message

    def _is_behind(self, topic: str, head: int) -> bool:
        cursor = self._cursors.get(topic)
        return cursor is not None and cursor.is_behind(head)

    async def _rest(self, code: int | None) -> None:
        age_s = time.monotonic() - self._opened_at
        if self._bye is not None:
            code = self._bye.code
        reason = self._bye.reason if self._bye is not None else "cut"
        self.previous = PreviousClose(conn=self._conn, code=code, reason=reason, age_ms=int(age_s * 1000))
        reaction = reaction_to(code)
        if reaction == "stop":
            raise Refused(f"The desk closed the stream for good ({code}): {reason}", code="stream.stopped")
        self._failures = 0 if age_s >= self._backoff.stable_s else self._failures + 1
        if reaction == "back_off" or self._failures > 1:
            await asyncio.sleep(self._backoff.delay_s(self._failures - 1, self._chance))


def _is_fact(topic: str) -> bool:
    parsed = parse_topic(topic)
    if parsed is None:
        raise Refused(f"There is no topic {topic!r}; topics are session/ID/NAME and desk/NAME.", code="topic.unknown")
    return parsed.is_fact


async def _send(socket: ClientConnection, message: msgspec.Struct) -> None:
    await socket.send(msgspec.json.encode(message).decode())
