"""Decides whether one more connection of the stream may be opened."""

from __future__ import annotations

import msgspec

from papertape.server.memory import MemoryWatch
from papertape.server.rate import TokenBucket
from papertape.server.settings import StreamLimits
from papertape.wire.http import ErrorBody

_RATE_RETRY_S = 1
_MEMORY_RETRY_S = 10
_CLOSING_RETRY_S = 2


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why not, and when to ask again: answered as 503 with `Retry-After`."""

    error: ErrorBody
    retry_after_s: int

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the answer's headers."""
        return [(b"retry-after", str(self.retry_after_s).encode())]


class Admission:
    """Refuses while the desk shuts down, while memory is short, and more connections a second than allowed."""

    def __init__(self, limits: StreamLimits, memory: MemoryWatch, now: float) -> None:
        self._memory = memory
        self._rate = limits.new_connections_per_s
        self._bucket = TokenBucket(self._rate, max(1.0, self._rate), now)
        self.refused = 0
        self.is_closing = False

    def refusal(self, now: float) -> Refusal | None:
        """Return why no connection may be opened now, None when one may; `now` in monotonic seconds."""
        refusal = self._judge(now)
        self.refused += refusal is not None
        return refusal

    def _judge(self, now: float) -> Refusal | None:
        if self.is_closing:
            return _refusal("stream.closing", "The desk is shutting down; try again when it is back.", _CLOSING_RETRY_S)
        if self._memory.state != "normal":
            message = f"The desk is short of memory, so it takes no new connections: {self._memory.shortage()}."
            return _refusal("stream.memory", message, _MEMORY_RETRY_S)
        if not self._bucket.take(now):
            message = f"More than {self._rate:g} connections a second are being opened; try again in a second."
            return _refusal("stream.overload", message, _RATE_RETRY_S)
        return None


def _refusal(code: str, message: str, retry_after_s: int) -> Refusal:
    return Refusal(error=ErrorBody(code=code, message=message, retry=True), retry_after_s=retry_after_s)
