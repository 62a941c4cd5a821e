"""Counts how often something happens, so that a stage can show its rate and its last sign of life."""

from __future__ import annotations

from collections import deque

_WINDOW_US = 5_000_000


class Pulse:
    """A counter sampled once a second: total, rate over the last 5 s, time of the last sign of life."""

    __slots__ = ("_samples", "last_ts", "total")

    def __init__(self) -> None:
        self.total = 0
        self.last_ts: int | None = None
        self._samples: deque[tuple[int, int]] = deque()

    def beat(self, ts: int, count: int = 1) -> None:
        """Add `count` at `ts` (our clock, microseconds UTC)."""
        self.total += count
        self.last_ts = ts

    def follow(self, total: int, ts: int | None) -> None:
        """Take over a total counted elsewhere."""
        self.total = total
        self.last_ts = ts

    def sample(self, ts: int) -> None:
        """Remember the total at `ts`; call about once a second."""
        self._samples.append((ts, self.total))
        while self._samples and self._samples[0][0] < ts - _WINDOW_US:
            self._samples.popleft()

    def rate(self, ts: int) -> float:
        """Return events per second over the sampled window, 0 before the first sample."""
        if not self._samples:
            return 0.0
        since, total = self._samples[0]
        return (self.total - total) * 1e6 / (ts - since) if ts > since else 0.0
