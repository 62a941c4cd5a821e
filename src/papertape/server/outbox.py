"""What one client has yet to be sent, in lanes: control first, then facts in order; bounded in bytes and messages."""

from __future__ import annotations

from collections import deque
from typing import Protocol

import msgspec

from papertape.server.settings import StreamLimits

SEPARATOR = 1  # bytes between two messages that share a frame


class Outgoing(Protocol):
    """One encoded message on a topic, whose loss would be a hole; one object for all who are to get it."""

    @property
    def frame(self) -> bytes:
        """The message."""

    @property
    def topic(self) -> str:
        """Its topic."""


class _Reply(msgspec.Struct, frozen=True, gc=False):
    frame: bytes
    topic: str


class Outbox:
    """The two ordered lanes. Latest values have no lane: they are read from their channel when the client is ready.

    Replies do not count as a backlog of facts; they have a bound of their own.
    """

    __slots__ = ("_control", "_limits", "_ordered", "live_bytes", "live_messages", "reply_bytes")

    def __init__(self, limits: StreamLimits) -> None:
        self._limits = limits
        self._control: list[bytes] = []
        self._ordered: deque[Outgoing] | None = None  # an empty deque takes 0.7 KB, and most clients wait for nothing
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
        self._append(_Reply(frame, topic))
        return True

    def put_fact(self, fact: Outgoing) -> bool:
        """Queue a fact; False when the client reads slower than facts come."""
        limits, size = self._limits, len(fact.frame)
        if self.live_messages >= limits.queue_messages or self.live_bytes + size > limits.queue_bytes:
            return False
        self.live_messages += 1
        self.live_bytes += size
        self._append(fact)
        return True

    def take(self, room: int) -> list[bytes]:
        """Return the next messages that fit `room` bytes with a separator each: one at least when any waits."""
        frames: list[bytes] = []
        control = self._control
        while control and (not frames or len(control[0]) + SEPARATOR <= room):
            room -= len(control[0]) + SEPARATOR
            frames.append(control.pop(0))
        ordered = self._ordered
        if not ordered or control:
            return frames
        while ordered:
            message = ordered[0]
            size = len(message.frame)
            if frames and size + SEPARATOR > room:
                break
            room -= size + SEPARATOR
            ordered.popleft()
            if type(message) is _Reply:
                self.reply_bytes -= size
            else:
                self.live_messages -= 1
                self.live_bytes -= size
            frames.append(message.frame)
        if not ordered:
            self._ordered = None
        return frames

    def pending_topics(self) -> set[str]:
        """Return the topics of which a message waits to be sent."""
        return {message.topic for message in self._ordered or ()}

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
        return len(self._control) + len(self._ordered or ())

    def clear(self) -> None:
        """Drop everything, before a last message."""
        self._control.clear()
        self._ordered = None
        self.live_bytes = self.live_messages = self.reply_bytes = 0

    def _append(self, message: Outgoing) -> None:
        if self._ordered is None:
            self._ordered = deque()
        self._ordered.append(message)
