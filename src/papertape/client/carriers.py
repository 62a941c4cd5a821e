"""The three carriers as coroutines: each carries one link's frames until it ends, and says how it ended.

None reconnects, waits for a time or decides anything: the core does.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import httpx
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from papertape import __version__
from papertape.client import closes
from papertape.client.actions import Close
from papertape.client.address import StreamAddress
from papertape.client.closes import TransportEnd
from papertape.client.event_source import EventParser
from papertape.wire.http import ErrorBody
from papertape.wire.stream import PROTOCOL, ClientMessage, Hello

Hear = Callable[[bytes], Awaitable[None]]

AGENT = f"papertape/{__version__} (Python)"
_FAREWELL_S = 1.0
_FORBIDDEN = {401: 4001, 403: 4003}
_MAX_RETRY_S = 60.0


class WebSocketCarrier:
    """A WebSocket. What is sent before it is open follows the `hello`."""

    def __init__(self, address: StreamAddress, hello: Hello) -> None:
        self._address = address
        self._outgoing: asyncio.Queue[ClientMessage] = asyncio.Queue()
        self._outgoing.put_nowait(hello)
        self.farewell: Close | None = None

    def send(self, message: ClientMessage) -> None:
        """Send after what was sent before."""
        self._outgoing.put_nowait(message)

    async def run(self, hear: Hear) -> TransportEnd:
        """Carry until the socket ends; cancelled, it closes as `farewell` says."""
        try:
            socket = await connect(
                self._address.websocket,
                subprotocols=[Subprotocol(PROTOCOL)],
                compression=None,
                user_agent_header=AGENT,
                additional_headers=self._address.headers,
                ssl=(self._address.trust or True) if self._address.is_encrypted else None,
                proxy=None if self._address.is_loopback else True,
                open_timeout=None,
                ping_interval=None,
                close_timeout=_FAREWELL_S,
            )
        except InvalidStatus as refused:
            answer = refused.response
            return _refusal(answer.status_code, answer.headers.get("retry-after", ""), bytes(answer.body or b""))
        except (OSError, EOFError, WebSocketException) as error:
            return TransportEnd(reason=f"the WebSocket could not be opened: {_words(error)}")
        writing = asyncio.create_task(self._write_all(socket))
        try:
            while True:
                await hear(await socket.recv(decode=False))
        except ConnectionClosed as closed:
            return _closing(closed)
        finally:
            writing.cancel()
            await self._shut(socket)

    async def _write_all(self, socket: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):  # the reader says how it ended
            while True:
                message = await self._outgoing.get()
                await socket.send(msgspec.json.encode(message), text=True)

    async def _shut(self, socket: ClientConnection) -> None:
        farewell = self.farewell
        if farewell is not None and farewell.is_abrupt:
            socket.transport.abort()  # a closing handshake would wait on the silence
        elif farewell is not None:
            await socket.close(farewell.code, farewell.reason)
        else:
            await socket.close(closes.DONE)


async def run_event_stream(http: httpx.AsyncClient, address: StreamAddress, hello: Hello, hear: Hear) -> TransportEnd:
    """Carry the frames of an event stream until it ends."""
    parser = EventParser()
    headers = {"accept": "text/event-stream", "cache-control": "no-store"}
    query = {"hello": msgspec.json.encode(hello).decode()}
    try:
        async with http.stream("GET", address.sse, params=query, headers=headers) as answer:
            if answer.status_code != 200:
                return _refusal(answer.status_code, answer.headers.get("retry-after", ""), await answer.aread())
            kind = answer.headers.get("content-type", "")
            if not kind.startswith("text/event-stream"):
                return TransportEnd(reason=f"the event stream was answered with {kind or 'nothing'}")
            async for chunk in answer.aiter_bytes():
                for event in parser.feed(chunk):
                    await hear(event)
    except (httpx.HTTPError, ValueError) as error:
        return TransportEnd(reason=f"the event stream failed: {_words(error)}")
    return TransportEnd(reason="the event stream ended")


async def run_poll(http: httpx.AsyncClient, address: StreamAddress, hello: Hello, hear: Hear) -> TransportEnd | None:
    """Carry one poll; None when it was answered and the next may follow."""
    headers = {"content-type": "application/json"}
    try:
        answer = await http.post(address.poll, content=msgspec.json.encode(hello), headers=headers)
    except httpx.HTTPError as error:
        return TransportEnd(reason=f"the poll failed: {_words(error)}")
    if answer.status_code != 200:
        return _refusal(answer.status_code, answer.headers.get("retry-after", ""), answer.content)
    await hear(answer.content)
    return None


def http_client(address: StreamAddress) -> httpx.AsyncClient:
    """Return a client without deadlines of its own; plain HTTP needs no certificates read from the disk."""
    return httpx.AsyncClient(
        headers={"user-agent": AGENT, **address.headers},
        timeout=None,
        trust_env=not address.is_loopback,
        verify=(address.trust or True) if address.is_encrypted else False,
    )


def _closing(closed: ConnectionClosed) -> TransportEnd:
    if closed.rcvd is not None:
        return TransportEnd(code=closed.rcvd.code, reason=closed.rcvd.reason)
    if closed.sent is not None:
        return TransportEnd(reason=f"the WebSocket broke: {closed.sent.reason or closed.sent.code}")
    return TransportEnd(reason="the network cut the connection")


def _refusal(status: int, retry_after: str, body: bytes) -> TransportEnd:
    """Return what an answer means that is not the stream: only the desk's own words forbid to come back."""
    retry_s = min(_MAX_RETRY_S, float(retry_after)) if retry_after.isdecimal() else 0.0
    try:
        error = msgspec.json.decode(body, type=ErrorBody)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return TransportEnd(reason=f"it was answered with HTTP {status}", retry_s=retry_s)
    code = None if error.retry else _FORBIDDEN.get(status)
    return TransportEnd(code=code, reason=f"{error.message} (HTTP {status}, {error.code})", retry_s=retry_s)


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
