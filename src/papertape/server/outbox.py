"""What one client has yet to be sent, in lanes: control first, then facts in order; bounded in bytes and messages."""

from __future__ import annotations

from collections import deque

import msgspec

from papertape.server.settings import StreamLimits


class Outgoing(msgspec.Struct, frozen=True, gc=False):
    """One encoded message. `topic` is set on facts, whose loss would be a hole; replies do not count as a backlog."""

    frame: bytes
    topic: str | None = None
    is_reply: bool = False


class Outbox:
    """The two ordered lanes. Latest values have no lane: they are read from their channel when the client is ready."""

    def __init__(self, limits: StreamLimits) -> None:
        self._limits = limits
        self._control: deque[bytes] = deque()
        self._ordered: deque[Outgoing] = deque()
        self._pending: dict[str, int] = {}
        self.live_bytes = 0
        self.live_messages = 0
        self.reply_bytes = 0

    def put_control(self, frame: bytes) -> None:
        """Queue a message that goes before everything else."""
        self._control.append(frame)

    def put_reply(self, frame: bytes, topic: str) -> bool:
        """Queue a part of an answer to a subscription; False when the client asks for more than it takes away."""
        if self.reply_bytes + len(frame) > self._limits.reply_bytes:
            return False
        self.reply_bytes += len(frame)
        self._append(Outgoing(frame, topic, is_reply=True))
        return True

    def put_fact(self, frame: bytes, topic: str) -> bool:
        """Queue a fact; False when the client reads slower than facts come."""
        if self.live_messages >= self._limits.queue_messages or self.live_bytes + len(frame) > self._limits.queue_bytes:
            return False
        self.live_messages += 1
        self.live_bytes += len(frame)
        self._append(Outgoing(frame, topic))
        return True

    def pop(self) -> bytes | None:
        """Return the next message, None when both lanes are empty."""
        if self._control:
            return self._control.popleft()
        if not self._ordered:
            return None
        message = self._ordered.popleft()
        if message.is_reply:
            self.reply_bytes -= len(message.frame)
        else:
            self.live_messages -= 1
            self.live_bytes -= len(message.frame)
        if message.topic is not None:
            self._pending[message.topic] -= 1
        return message.frame

    def is_pending(self, topic: str) -> bool:
        """Return whether a message on `topic` waits to be sent."""
        return self._pending.get(topic, 0) > 0

    @property
    def is_empty(self) -> bool:
        """Return whether nothing waits."""
        return not self._control and not self._ordered

    @property
    def queued_bytes(self) -> int:
        """Return the bytes waiting in the ordered lane."""
        return self.live_bytes + self.reply_bytes

    @property
    def queued_messages(self) -> int:
        """Return the messages waiting in both lanes."""
        return len(self._control) + len(self._ordered)

    def clear(self) -> None:
        """Drop everything, before a last message."""
        self._control.clear()
        self._ordered.clear()
        self._pending.clear()
        self.live_bytes = self.live_messages = self.reply_bytes = 0

    def _append(self, message: Outgoing) -> None:
        self._ordered.append(message)
        if message.topic is not None:
            self._pending[message.topic] = self._pending.get(message.topic, 0) + 1
