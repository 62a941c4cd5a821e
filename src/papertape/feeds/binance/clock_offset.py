"""How far the venue's clock is from ours, from the times it prints on its messages."""

from __future__ import annotations

_WINDOW_US = 30_000_000


class ClockOffset:
    """The offset "exchange minus ours" in microseconds, from pairs of event time and receive time.

    Every sample `event - received` is the true offset minus the delay of that message, so the largest sample of the
    recent past is the sharpest bound; two half-overlapping windows of 30 s let it follow a clock that drifts or, in a
    recording played faster than real time, runs away.
    """

    def __init__(self) -> None:
        self._window_start: int | None = None
        self._current = 0
        self._previous: int | None = None

    def observe(self, event_us: int, recv_us: int) -> None:
        """Take one sample."""
        sample = event_us - recv_us
        start = self._window_start
        if start is None or not 0 <= recv_us - start < _WINDOW_US:
            self._previous = None if start is None else self._current
            self._window_start = recv_us
            self._current = sample
        elif sample > self._current:
            self._current = sample

    @property
    def offset_us(self) -> int:
        """Exchange clock minus our clock, microseconds; 0 before the first sample."""
        if self._window_start is None:
            return 0
        return self._current if self._previous is None else max(self._current, self._previous)
