"""One connection to a server, spoken by hand: what is said, and every message that comes, checked."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import msgspec

from papertape.testkit.conformance.message_check import read_frame
from papertape.testkit.conformance.verdict import Breach, require
from papertape.wire.stream import Bye, ServerMessage, Snap, Subscribed, Welcome

M = TypeVar("M", bound=msgspec.Struct)


class Ended(Exception):
    """The connection is over; `code` is the close code, None where the carrier has none or it was cut."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"the connection ended with {code}")
        self.code = code


class Talk:
    """Frames of any carrier as messages in order. `patience_s`: how long silence is borne where a message is due."""

    def __init__(
        self,
        frames: AsyncIterator[str | bytes],
        patience_s: float,
        *,
        is_batched: bool = False,
        send: Callable[[str | bytes], Awaitable[None]] | None = None,
    ) -> None:
        self.patience_s = patience_s
        self.heard: list[ServerMessage] = []
        self.frame_lengths: list[int] = []
        self._is_batched = is_batched
        self._send = send
        self._ready: deque[ServerMessage] = deque()
        self._queue: asyncio.Queue[str | bytes | Exception] = asyncio.Queue()
        self._pump = asyncio.create_task(self._fill(frames))

    async def close(self) -> None:
        """Stop to listen."""
        self._pump.cancel()
        await asyncio.gather(self._pump, return_exceptions=True)

    async def say(self, message: msgspec.Struct | dict[str, Any]) -> None:
        """Send one message."""
        await self.send(msgspec.json.encode(message).decode())

    async def send(self, frame: str | bytes) -> None:
        """Send one frame as it is."""
        assert self._send is not None, "only a WebSocket carries what a client says later"
        await self._send(frame)

    async def next(self, wanted: str = "a message", within_s: float | None = None) -> ServerMessage:
        """Return the next message.

        Raises:
            Breach: nothing came in time.
            Ended: the connection is over.
        """
        message = await self.next_within(within_s if within_s is not None else self.patience_s)
        if message is None:
            raise Breach(f"nothing came for {within_s or self.patience_s:g} s where {wanted} was due")
        return message

    async def next_within(self, seconds: float) -> ServerMessage | None:
        """Return the next message, None when none comes in that time."""
        if not self._ready:
            try:
                async with asyncio.timeout(seconds):
                    frame = await self._queue.get()
            except TimeoutError:
                return None
            if isinstance(frame, Exception):
                raise frame
            messages = read_frame(frame, is_batched=self._is_batched)
            self.frame_lengths.append(len(messages))
            self._ready.extend(messages)
        message = self._ready.popleft()
        self.heard.append(message)
        return message

    async def next_of(self, kind: type[M], topic: str | None = None) -> M:
        """Return the next message of a kind, and of a topic when one is named; others are passed over."""
        wanted = f"`{kind.__struct_config__.tag}`" + (f" on {topic}" if topic else "")
        deadline = asyncio.get_running_loop().time() + self.patience_s
        while (left := deadline - asyncio.get_running_loop().time()) > 0:
            message = await self.next_within(left)
            if isinstance(message, kind) and topic in (None, getattr(message, "topic", None)):
                return message
        raise Breach(f"nothing came for {self.patience_s:g} s where {wanted} was due")

    async def answer(self, topic: str) -> tuple[Subscribed, list[Snap]]:
        """Return what a subscription is answered with: `sub`, and the pages of a snapshot unless it is resumed."""
        sub = await self.next_of(Subscribed, topic)
        pages: list[Snap] = []
        while not sub.resumed and (not pages or pages[-1].page < pages[-1].of):
            pages.append(await self.next_of(Snap, topic))
        return sub, pages

    async def until_end(self, within_s: float | None = None) -> tuple[list[ServerMessage], int | None]:
        """Return every message until the server ends the connection, and the close code."""
        messages = []
        try:
            while True:
                messages.append(await self.next("the end of the connection", within_s))
        except Ended as end:
            return messages, end.code

    async def _fill(self, frames: AsyncIterator[str | bytes]) -> None:
        try:
            async for frame in frames:
                self._queue.put_nowait(frame)
        except Exception as end:  # noqa: BLE001 - handed to whoever reads
            self._queue.put_nowait(end)
        else:
            self._queue.put_nowait(Ended(None))


async def expect_bye(talk: Talk, code: int, within_s: float | None = None) -> Bye:
    """Return the `bye` with this code that must be the last message, before a close with the same code."""
    messages, closed = await talk.until_end(within_s)
    last = messages[-1] if messages else None
    if not isinstance(last, Bye):
        raise Breach(f"the server closed with {closed} without a `bye`; its last message was {last}")
    require(last.code == code, f"`bye` says {last.code} ({last.reason}); {code} was expected")
    require(closed in (code, None), f"`bye` says {code}, but the WebSocket was closed with {closed}")
    require(bool(last.reason), "`bye` has no reason")
    require(last.retry_ms >= 0, f"`bye` has retry_ms {last.retry_ms}")
    return last


async def welcomed(talk: Talk) -> Welcome:
    """Return the `welcome` that must come first."""
    message = await talk.next("`welcome`")
    if not isinstance(message, Welcome):
        raise Breach(f"the first message is {message}; it must be `welcome`")
    return message
