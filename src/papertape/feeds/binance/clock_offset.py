"""How far the venue's clock is from ours, from the times it prints on its messages."""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

WINDOW_US = 30_000_000
NEVER = -(1 << 62)

LATEST_MS = 1_000_000_000_000_000
"""Times after this (the year 33658) are refused: in microseconds they would not fit 64 bits."""


class ClockOffset:
    """The offset "exchange minus ours" in microseconds, from pairs of event time and receive time.

    Every sample `event - received` is the true offset minus the delay of that message, so the largest sample of the
    recent past is the sharpest bound; two half-overlapping windows of 30 s let it follow a clock that drifts or, in a
    recording played faster than real time, runs away.
    """

    __slots__ = ("current", "previous", "window_start")
    window_start: int
    current: int
    previous: int

    def __init__(self) -> None:
        self.window_start = NEVER
        self.current = 0
        self.previous = NEVER

    def observe(self, event_us: int, recv_us: int) -> None:
        """Take one sample."""
        sample = event_us - recv_us
        start = self.window_start
        if start == NEVER or recv_us < start or recv_us - start >= WINDOW_US:
            self.previous = NEVER if start == NEVER else self.current
            self.window_start = recv_us
            self.current = sample
        elif sample > self.current:
            self.current = sample

    def offset(self) -> int:
        """Return exchange clock minus our clock, microseconds; 0 before the first sample."""
        if self.window_start == NEVER:
            return 0
        return max(self.current, self.previous)

    @property
    def offset_us(self) -> int:
        """Exchange clock minus our clock, microseconds; 0 before the first sample."""
        return self.offset()
