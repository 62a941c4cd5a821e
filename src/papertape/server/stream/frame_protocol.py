"""uvicorn's WebSocket protocol with a way past its coroutine: ready frames are written in the turn they are made.

A hundred clients at a hundred messages a second are ten thousand sends a second. Through ASGI's `send` each costs a
task's wake-up and a frame built anew; here it costs the system call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request
from websockets.protocol import State

EXTENSION = "papertape.frames"


class FrameProtocol(WebSocketsSansIOProtocol):
    """Serves one WebSocket. An endpoint finds it under `EXTENSION` in the scope's extensions."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.on_writable: Callable[[], None] | None = None
        self._abort_timer: asyncio.TimerHandle | None = None

    def handle_connect(self, event: Request) -> None:
        """Begin to serve a handshake; where it is refused there is no scope."""
        super().handle_connect(event)
        if not self.close_sent:
            self.scope["extensions"] = {**(self.scope["extensions"] or {}), EXTENSION: self}  # type: ignore[dict-item]  # ASGI leaves an extension's shape open

    @property
    def is_writable(self) -> bool:
        """Whether the transport takes more without keeping more than its high-water mark."""
        return self.writable.is_set()

    @property
    def is_open(self) -> bool:
        """Whether frames may be written; when not, the endpoint is told by what it receives."""
        return not self.disconnected and self.conn.state is State.OPEN

    def write_texts(self, payloads: list[bytes]) -> None:
        """Write whole text frames, all in one go."""
        self.transport.write(
            text_frame(payloads[0]) if len(payloads) == 1 else b"".join([text_frame(each) for each in payloads])
        )

    def abort_after(self, seconds: float) -> None:
        """Drop the connection then, whatever still waits to be sent: a peer that does not read would keep it open."""
        if self._abort_timer is None and not self.disconnected:
            self._abort_timer = self.loop.call_later(seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Tell whoever waits for it that the transport takes more again."""
        super().resume_writing()
        if self.on_writable is not None:
            self.on_writable()

    def keepalive_timeout(self) -> None:
        """End a connection whose peer answers no ping."""
        super().keepalive_timeout()
        self.abort_after(self.close_timeout)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        if self._abort_timer is not None:
            self._abort_timer.cancel()
        self.on_writable = None
        super().connection_lost(exc)


def text_frame(payload: bytes) -> bytes:
    """Return a payload as one unmasked text frame (RFC 6455, section 5.2)."""
    size = len(payload)
    if size < 126:
        return b"\x81" + size.to_bytes(1) + payload
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2) + payload
    return b"\x81\x7f" + size.to_bytes(8) + payload
