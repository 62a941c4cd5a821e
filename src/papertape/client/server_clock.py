"""The server's clock as seen from here."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

_KEPT = 8


class _Sample(NamedTuple):
    rtt_s: float
    offset_s: float


class ServerClock:
    """The offset by the quickest of the last answers; a stamp that came one way counts until a round trip was made."""

    def __init__(self) -> None:
        self._samples: deque[_Sample] = deque(maxlen=_KEPT)
        self.rtt_s: float | None = None
        self.offset_s = 0.0
        """Add to this machine's clock to get the server's."""

    def on_stamp(self, srv_ts: int, wall: float) -> None:
        """Take a stamp (microseconds) that just arrived."""
        if not self._samples:
            self.offset_s = srv_ts / 1e6 - wall

    def on_round_trip(self, srv_ts: int, wall: float, rtt_s: float) -> None:
        """Take the stamp of an answer that took `rtt_s` both ways."""
        self.rtt_s = rtt_s
        self._samples.append(_Sample(rtt_s, srv_ts / 1e6 + rtt_s / 2 - wall))
        self.offset_s = min(self._samples).offset_s
