"""Which carrier to try: failures in a row step down, WebSocket → Server-Sent Events → long polling."""

from __future__ import annotations

from collections.abc import Sequence

from papertape.client.limits import ClientLimits
from papertape.wire.http import Transport


class Ladder:
    """A failure is no welcome, or death at a young age. When nothing works it starts again at the top.

    Nothing of it is stored: every client begins at its first carrier.
    """

    def __init__(self, carriers: Sequence[Transport], limits: ClientLimits) -> None:
        self._carriers = tuple(carriers)
        self._limits = limits
        self._failures = 0
        self._is_proven = True
        self._is_exhausted = False
        self.carrier = self._carriers[0]

    @property
    def is_fallback(self) -> bool:
        """Return whether WebSocket would be better than what is used."""
        return self.carrier != "websocket" and "websocket" in self._carriers

    def is_failure(self, alive_s: float | None) -> bool:
        """Return whether a life of `alive_s` seconds after the welcome, None without one, is a failure."""
        return alive_s is None or alive_s < self._limits.alive_s

    def on_end(self, alive_s: float | None) -> bool:
        """Take the end of a connection; return whether a carrier comes next that was not tried yet."""
        is_failure = self.is_failure(alive_s)
        self._failures = self._failures + 1 if is_failure else 0
        self._is_exhausted &= is_failure
        stays = not is_failure or (self._failures < self._limits.failures and self._is_proven)
        self._is_proven = True
        if stays:
            return False
        self.carrier = self._carriers[(self._carriers.index(self.carrier) + 1) % len(self._carriers)]
        self._failures = 0
        self._is_exhausted |= self.carrier == self._carriers[0]
        return not self._is_exhausted

    def on_upgrade(self) -> None:
        """Take that WebSocket was welcomed beside a fallback; dying young it steps down at once."""
        self.carrier = "websocket"
        self._failures = 0
        self._is_proven = False
