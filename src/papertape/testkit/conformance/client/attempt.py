"""One attempt of a client to connect, over any carrier, and what the script answers."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Literal, TypeVar
from urllib.parse import parse_qs, urlsplit

import msgspec
from websockets.exceptions import ProtocolError
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from papertape.testkit.conformance.verdict import Breach, Late, require
from papertape.wire.stream import PROTOCOL, ClientMessage, Hello, Ping, Pong, ServerMessage, Welcome

Carrier = Literal["websocket", "sse", "poll"]
M = TypeVar("M", bound=msgspec.Struct)
_EVENT_STREAM = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
)
_TS = 1_766_854_702_000_000
_decoder: msgspec.json.Decoder[ClientMessage] = msgspec.json.Decoder(ClientMessage)


class Attempt:
    """One connection or request. `hello` is what the client said first, once it is `greeted`.

    Pings are answered unless `is_mute`. `greeted_in_s` is how long its `hello` was on the way, where that can be seen.
    """

    def __init__(
        self, carrier: Carrier, head: bytes, body: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.carrier = carrier
        self.conn = f"c-{id(self):x}"
        self.at = asyncio.get_running_loop().time()
        self.greeted_in_s = 0.0
        self.is_mute = False
        self.close_code: int | None = None
        self.over = asyncio.Event()
        self.pinged = asyncio.Event()
        self._head = head
        self._body = body
        self._reader = reader
        self._writer = writer
        self._protocol = ServerProtocol(subprotocols=[Subprotocol(PROTOCOL)])
        self._said: asyncio.Queue[ClientMessage] = asyncio.Queue()
        self._pending: list[bytes] = []
        self._listening: asyncio.Task[None] | None = None
        self._hello: Hello | None = None

    @property
    def hello(self) -> Hello:
        """Return the first message."""
        assert self._hello is not None, "the attempt is not greeted yet"
        return self._hello

    def position(self, topic: str) -> tuple[str | None, int | None]:
        """Return the position the client says for a topic."""
        for request in self.hello.subs:
            if request.topic == topic:
                return request.epoch, request.seq
        raise Breach(f"`hello` does not ask for {topic}; it asks for {[request.topic for request in self.hello.subs]}")

    async def greeted(self, within_s: float) -> Hello:
        """Accept the attempt and return the `hello` that must come first."""
        if self.carrier == "websocket":
            self._accept()
            accepted = asyncio.get_running_loop().time()
            message = await self.next(within_s)
            self.greeted_in_s = asyncio.get_running_loop().time() - accepted
        elif self.carrier == "sse":
            self._writer.write(_EVENT_STREAM)
            path = self._head.split(b" ", 2)[1].decode("latin-1")
            query = parse_qs(urlsplit(path).query)
            message = _decoded(query.get("hello", [""])[0])
            self._listening = asyncio.create_task(self._watch())
        else:
            message = _decoded(self._body)
            self._listening = asyncio.create_task(self._watch())
        if message is None:
            raise Late(f"no `hello` came within {within_s:.1f} s of the connection")
        if not isinstance(message, Hello):
            raise Breach(f"the client's first message is {message}; it must be `hello`")
        self._hello = message
        return message

    async def welcome(self, *more: ServerMessage) -> None:
        """Say `welcome`, and more after it."""
        await self.say(Welcome(conn=self.conn, hb_s=10, dead_s=45, srv_ts=_TS, version="conformance"), *more)

    async def say(self, *messages: ServerMessage | dict[str, Any]) -> None:
        """Send messages, a frame each; a poll keeps them until it is `answer`ed."""
        for message in messages:
            self._put(msgspec.json.encode(message))
        await self._drain()

    async def say_at_once(self, *messages: ServerMessage) -> None:
        """Send messages as one frame that holds an array."""
        self._put(msgspec.json.encode(messages))
        await self._drain()

    async def answer(self) -> None:
        """Answer a poll with what was said."""
        content = b"[" + b",".join(self._pending) + b"]"
        await self.respond(200, content)

    async def respond(
        self, status: int, content: bytes = b"", headers: str = "", content_type: str = "application/json"
    ) -> None:
        """Answer with HTTP and end: a refusal, or a poll's answer."""
        fixed = f"Content-Type: {content_type}\r\nContent-Length: {len(content)}\r\nConnection: close\r\n"
        self._writer.write(f"HTTP/1.1 {status} Conformance\r\n{fixed}{headers}\r\n".encode() + content)
        await self._drain()
        self._writer.close()

    async def close(self, code: int, reason: str = "as the script says") -> None:
        """End in order: a closing handshake, or the end of the response."""
        if self.carrier == "websocket":
            with contextlib.suppress(ProtocolError):
                self._protocol.send_close(code, reason)
            self._flush()
        elif self.carrier == "poll":
            await self.answer()
        await self._drain()
        if self.carrier != "websocket":
            self._writer.close()

    def abort(self) -> None:
        """Cut the connection."""
        self._writer.transport.abort()

    async def next(self, within_s: float) -> ClientMessage | None:
        """Return the client's next message, pings aside; None when none comes in time."""
        try:
            async with asyncio.timeout(within_s):
                return await self._said.get()
        except TimeoutError:
            return None

    async def next_of(self, kind: type[M], within_s: float) -> M:
        """Return the client's next message of a kind; others are passed over."""
        deadline = asyncio.get_running_loop().time() + within_s
        while (left := deadline - asyncio.get_running_loop().time()) > 0:
            message = await self.next(left)
            if isinstance(message, kind):
                return message
        raise Late(f"no `{kind.__struct_config__.tag}` came from the client within {within_s:.1f} s")

    async def dispose(self) -> None:
        """End whatever is left of it."""
        self.abort()
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)

    def _accept(self) -> None:
        self._protocol.receive_data(self._head)
        (request,) = self._protocol.events_received()
        assert isinstance(request, Request)  # the head of a whole request is one
        offered = request.headers.get("Sec-WebSocket-Protocol", "")
        require(PROTOCOL in offered, f"the client offers the sub-protocols {offered!r}, not {PROTOCOL}")
        self._protocol.send_response(self._protocol.accept(request))
        self._flush()
        self._listening = asyncio.create_task(self._listen())

    def _put(self, frame: bytes) -> None:
        if self.carrier == "websocket":
            self._protocol.send_text(frame)
            self._flush()
        elif self.carrier == "sse":
            self._writer.write(b"data: " + frame + b"\n\n")
        else:
            self._pending.append(frame)

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._writer.write(data)

    async def _drain(self) -> None:
        with contextlib.suppress(ConnectionError):  # the client left first
            await self._writer.drain()

    async def _watch(self) -> None:
        with contextlib.suppress(ConnectionError):
            while await self._reader.read(4_096):
                pass
        self.over.set()

    async def _listen(self) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await self._reader.read(65_536):
                self._protocol.receive_data(data)
                for event in self._protocol.events_received():
                    if isinstance(event, Frame):
                        self._take(event)
                self._flush()
        self.over.set()

    def _take(self, frame: Frame) -> None:
        if frame.opcode is Opcode.CLOSE:
            self.close_code = self._protocol.close_code
            self._writer.close()
        elif frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            message = _decoder.decode(frame.data)
            if not isinstance(message, Ping):
                self._said.put_nowait(message)
            elif not self.is_mute and self._protocol.state is State.OPEN:
                self._put(msgspec.json.encode(Pong(id=message.id, srv_ts=_TS)))
            if isinstance(message, Ping):
                self.pinged.set()


def _decoded(text: str | bytes) -> ClientMessage:
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Breach(f"the client's first message is no `hello`: {error}") from error
