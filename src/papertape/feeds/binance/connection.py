"""One WebSocket connection to the venue: whole bursts in, requests out, acknowledgements matched."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, cast

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidProxy, InvalidURI
from websockets.frames import Frame as WireFrame
from websockets.frames import Opcode
from websockets.protocol import Event

from papertape.errors import Unavailable
from papertape.feeds.binance.frames import Acknowledged, Received, RequestRefused, ShutdownAnnounced
from papertape.feeds.binance.hot_fields import are_streams
from papertape.feeds.binance.protocol import parse_frame
from papertape.feeds.binance.streams import Method, build_request, in_requests

_LARGEST_MESSAGE = 16 * 1024 * 1024
_BETWEEN_REQUESTS_S = 0.25

OnBurst = Callable[[list[Received]], None]


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Every wait of the live feed, in seconds; tests make them short."""

    open: float = 10.0
    ack: float = 10.0
    ping: float = 20.0
    silence: float = 60.0
    rotate: float = 23 * 3600.0
    overlap: float = 2.0
    rest: float = 10.0
    retry: float = 0.5
    longest_retry: float = 20.0
    stable: float = 30.0


class _BurstConnection(ClientConnection):
    """Hands all messages of one socket read over at once, synchronously, instead of queueing them one by one."""

    on_messages: ClassVar[Callable[[list[bytes]], None]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # The library's own constructor; its arguments are none of our business.
        super().__init__(*args, **kwargs)
        self._messages: list[bytes] = []
        self._fragments: list[bytes] = []

    def process_event(self, event: Event) -> None:
        if self.response is None or not isinstance(event, WireFrame):
            super().process_event(event)
        elif event.opcode in {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}:
            self._take(event)
        else:
            super().process_event(event)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._messages:
            messages, self._messages = self._messages, []
            type(self).on_messages(messages)

    def _take(self, frame: WireFrame) -> None:
        if frame.fin and not self._fragments:
            self._messages.append(bytes(frame.data))
            return
        self._fragments.append(bytes(frame.data))
        if frame.fin:
            self._messages.append(b"".join(self._fragments))
            self._fragments.clear()


class VenueConnection:
    """An open connection. Market frames go to `on_burst`; answers to our requests are matched here.

    `wake` is called when the connection has ended (`closed_because`) or its end was announced (`is_ending`).
    """

    def __init__(self, url: str, timing: Timing, on_burst: OnBurst, wake: Callable[[], None]) -> None:
        self._url = url
        self._timing = timing
        self._on_burst = on_burst
        self._wake = wake
        self._watch: asyncio.Task[None] | None = None
        self._socket: ClientConnection | None = None
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._next_id = 1
        self._loop = asyncio.get_running_loop()
        self.last_frame_at = self._loop.time()
        self.opened_at = self._loop.time()
        self.is_ending = False
        self.closed_because: str | None = None

    async def open(self) -> None:
        """Connect.

        Raises:
            Unavailable: the venue does not answer or refuses.
        """
        handler = staticmethod(self.take)
        bound = type("_BoundConnection", (_BurstConnection,), {"on_messages": handler})
        try:
            self._socket = await connect(
                self._url,
                open_timeout=self._timing.open,
                ping_interval=self._timing.ping,
                ping_timeout=self._timing.ping,
                close_timeout=1,
                compression=None,
                max_size=_LARGEST_MESSAGE,
                create_connection=bound,
            )
        except (OSError, TimeoutError, InvalidHandshake, InvalidURI, InvalidProxy, ConnectionClosed) as error:
            raise Unavailable(
                f"Binance's stream at {self._url} cannot be opened ({type(error).__name__}: {error}).",
                code="binance.stream_unreachable",
            ) from error
        self.opened_at = self.last_frame_at = self._loop.time()
        self._watch = asyncio.create_task(self._watch_socket(self._socket), name="binance connection")

    async def request(self, method: Method, streams: Iterable[str]) -> None:
        """Subscribe to or unsubscribe from streams; return when the venue has acknowledged.

        Raises:
            Unavailable: refused, not acknowledged in time, or the connection is lost.
        """
        for index, part in enumerate(in_requests(streams)):
            if index:
                await asyncio.sleep(_BETWEEN_REQUESTS_S)
            await self._request_part(method, part)

    async def close(self) -> None:
        """Close; frames still arriving are not handed over any more."""
        self._on_burst = _drop
        if self._socket is not None:
            await self._socket.close()
        if self._watch is not None:
            await self._watch

    def abort(self) -> None:
        """Cut without the closing handshake: for a peer that does not answer."""
        self._on_burst = _drop
        if self._socket is not None:
            self._socket.transport.abort()

    def hand_over_to(self, on_burst: OnBurst) -> None:
        """Give market frames to somebody else from now on."""
        self._on_burst = on_burst

    async def _request_part(self, method: Method, streams: list[str]) -> None:
        if self._socket is None:
            raise Unavailable("The stream connection is not open; it is being opened.", code="binance.not_open")
        request_id, self._next_id = self._next_id, self._next_id + 1
        answered = self._waiting[request_id] = self._loop.create_future()
        try:
            async with asyncio.timeout(self._timing.ack):
                await self._socket.send(build_request(method, streams, request_id))
                await answered
        except ConnectionClosed as error:
            raise Unavailable(f"The stream connection was lost: {error}.", code="binance.lost") from error
        except TimeoutError as error:
            raise Unavailable(
                f"Binance did not acknowledge {method} within {self._timing.ack:g} s.", code="binance.no_ack"
            ) from error
        finally:
            self._waiting.pop(request_id, None)

    def take(self, messages: list[bytes]) -> None:
        """Take the messages of one read of the socket: answers are matched here, the rest is handed over."""
        self.last_frame_at = self._loop.time()
        if are_streams(messages):
            self._on_burst(cast("list[Received]", messages))
            return
        frames: list[Received] = []
        for raw in messages:
            frame = parse_frame(raw)
            if isinstance(frame, Acknowledged | RequestRefused):
                self._on_reply(frame)
            elif isinstance(frame, ShutdownAnnounced):
                self.is_ending = True
                self._wake()
            else:
                frames.append(frame)
        if frames:
            self._on_burst(frames)

    def _on_reply(self, reply: Acknowledged | RequestRefused) -> None:
        waiting = self._waiting.get(reply.id) if isinstance(reply.id, int) else None
        if waiting is None and isinstance(reply, RequestRefused) and reply.id is None and self._waiting:
            # An error without an id answers the request the venue could not read.
            waiting = next(iter(self._waiting.values()))
        if waiting is None or waiting.done():
            return
        if isinstance(reply, Acknowledged):
            waiting.set_result(None)
        else:
            waiting.set_exception(
                Unavailable(
                    f"Binance refused the subscription: {reply.code} {reply.message}.", code="binance.subscription"
                )
            )

    async def _watch_socket(self, socket: ClientConnection) -> None:
        await socket.wait_closed()
        reason = f" ({socket.close_reason})" if socket.close_reason else ""
        self.closed_because = f"the connection ended with code {socket.close_code}{reason}"
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(Unavailable(f"No answer: {self.closed_because}.", code="binance.lost"))
        self._wake()


def _drop(frames: list[Received]) -> None:
    del frames
