"""The server under test: how its three carriers are opened, and what it has to show."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from typing import Any, Literal

import httpx
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from papertape.model.views import VIEW_OF
from papertape.testkit.conformance.server.talk import Ended, Talk, welcomed
from papertape.testkit.conformance.verdict import Breach, NotShown
from papertape.wire.stream import PROTOCOL, Hello, Pub, SubRequest
from papertape.wire.topics import DESK_RECORDS, FACT_TABLES

Carrier = Literal["websocket", "sse", "poll"]
CARRIERS: tuple[Carrier, ...] = ("websocket", "sse", "poll")
_TRIES = 20


class Target:
    """A server at `url`, such as http://127.0.0.1:8420, and a session of it that is expected to publish."""

    def __init__(self, url: str, http: httpx.AsyncClient, session_ids: list[str], patience_s: float) -> None:
        self.url = url
        self.http = http
        self.session_ids = session_ids
        self.patience_s = patience_s

    @property
    def session_id(self) -> str:
        """Return the session that is looked at; raises `NotShown` when there is none."""
        if not self.session_ids:
            raise NotShown("the server has no session; start one, or name it with --session")
        return self.session_ids[0]

    def topic(self, name: str) -> str:
        """Return a topic of the session."""
        return f"session/{self.session_id}/{name}"

    @property
    def facts(self) -> list[str]:
        """Return every must-not-lose topic of the session."""
        return [self.topic(name) for name in FACT_TABLES]

    @property
    def latest(self) -> list[str]:
        """Return every latest-value topic of the session and the desk."""
        return [*(self.topic(name) for name in VIEW_OF), *(f"desk/{name}" for name in DESK_RECORDS)]

    @contextlib.asynccontextmanager
    async def socket(self, first: Hello | None = None, **options: Any) -> AsyncIterator[Talk]:
        """Yield an open WebSocket; `first` is said at once."""
        offered = {
            "subprotocols": [Subprotocol(PROTOCOL)],
            "compression": None,
            "ping_interval": None,
            "max_queue": None,
            **options,
        }
        socket = await self._connect(offered)
        is_batched = first is not None and first.batch
        talk = Talk(_frames(socket), self.patience_s, is_batched=is_batched, send=socket.send)
        try:
            if first is not None:
                await talk.say(first)
            yield talk
        finally:
            await talk.close()
            await socket.close()

    async def _connect(self, options: dict[str, Any]) -> ClientConnection:
        address = self.url.replace("http", "ws", 1) + "/api/stream"
        for _ in range(_TRIES):
            try:
                return await connect(address, **options)
            except InvalidStatus as refused:
                if refused.response.status_code != 503:
                    raise
                await asyncio.sleep(float(refused.response.headers.get("retry-after", "1")))
        raise NotShown("the server answers 503 to every new connection")

    @contextlib.asynccontextmanager
    async def events(self, first: Hello | str) -> AsyncIterator[Talk]:
        """Yield an open event stream."""
        text = first if isinstance(first, str) else msgspec.json.encode(first).decode()
        is_batched = isinstance(first, Hello) and first.batch
        async with self.http.stream("GET", "/api/stream/sse", params={"hello": text}) as answer:
            if answer.status_code != 200:
                raise Breach(f"the event stream was answered {answer.status_code}")
            kind = answer.headers["content-type"]
            if not kind.startswith("text/event-stream"):
                raise Breach(f"the event stream has the content type {kind!r}; text/event-stream was expected")
            talk = Talk(_lines(answer), self.patience_s, is_batched=is_batched)
            try:
                yield talk
            finally:
                await talk.close()

    @contextlib.asynccontextmanager
    async def poll(self, first: Hello | str) -> AsyncIterator[Talk]:
        """Yield the answer to one poll, message by message."""
        body = first if isinstance(first, str) else msgspec.json.encode(first).decode()
        answer = await self.http.post("/api/stream/poll", content=body, timeout=60.0)
        if answer.status_code != 200:
            raise Breach(f"the poll was answered {answer.status_code}: {answer.text[:200]}")
        talk = Talk(_array(answer), self.patience_s)
        try:
            yield talk
        finally:
            await talk.close()

    @contextlib.asynccontextmanager
    async def open(self, carrier: Carrier, first: Hello) -> AsyncIterator[Talk]:
        """Yield a connection over the named carrier."""
        if carrier == "websocket":
            opened = self.socket(first)
        else:
            opened = self.events(first) if carrier == "sse" else self.poll(first)
        async with opened as talk:
            yield talk

    @contextlib.asynccontextmanager
    async def greeted(self, *topics: str, **fields: Any) -> AsyncIterator[Talk]:
        """Yield a WebSocket that said hello with these topics and has read the welcome."""
        async with self.socket(hello(*topics, **fields)) as talk:
            await welcomed(talk)
            yield talk

    async def publications(self, talk: Talk, count: int, topics: list[str]) -> list[Pub]:
        """Return the next publications on these topics; raises `NotShown` when too few are made."""
        found: list[Pub] = []
        deadline = asyncio.get_running_loop().time() + self.patience_s
        while len(found) < count:
            message = await talk.next_within(max(0.0, deadline - asyncio.get_running_loop().time()))
            if message is None:
                raise NotShown(f"only {len(found)} of {count} publications came within {self.patience_s:g} s")
            if isinstance(message, Pub) and message.topic in topics:
                found.append(message)
        return found


def hello(*topics: str, **fields: Any) -> Hello:
    """Return a `hello` of a tab of its own with these topics and no positions."""
    subs = tuple(SubRequest(topic=topic) for topic in topics)
    return Hello(**{"v": 1, "tab": f"conformance-{secrets.token_hex(4)}", "subs": subs, **fields})


async def _frames(socket: ClientConnection) -> AsyncIterator[str | bytes]:
    try:
        while True:
            yield await socket.recv()
    except ConnectionClosed as closed:
        raise Ended(closed.rcvd.code if closed.rcvd is not None else None) from closed


async def _lines(answer: httpx.Response) -> AsyncIterator[str]:
    async for line in answer.aiter_lines():
        if line.startswith("data:"):
            yield line.removeprefix("data:").strip()
        elif line and not line.startswith(":"):
            raise Breach(f"the event stream has the line {line[:100]!r}; only `data:` and comments are expected")


async def _array(answer: httpx.Response) -> AsyncIterator[str]:
    messages = answer.json()
    if not isinstance(messages, list):
        raise Breach("the answer to a poll is not an array of messages")
    for message in messages:
        yield msgspec.json.encode(message).decode()
