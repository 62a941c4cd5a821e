"""A clock that moves when a test says so."""

from __future__ import annotations


class ManualTime:
    """Wall clock in microseconds UTC and monotonic seconds that advance together."""

    def __init__(self, start_us: int = 1_766_854_702_000_000) -> None:
        self._start_us = start_us
        self._elapsed_s = 0.0

    def clock(self) -> int:
        """Return the wall clock."""
        return self._start_us + round(self._elapsed_s * 1e6)

    def monotonic(self) -> float:
        """Return the monotonic clock."""
        return self._elapsed_s

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._elapsed_s += seconds
