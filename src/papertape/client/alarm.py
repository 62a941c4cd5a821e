"""Moments and alarms without a clock: whoever knows the time says what it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Moment(NamedTuple):
    """An instant by both clocks: `at` in seconds that only grow, `wall` in seconds since 1970 by this machine."""

    at: float
    wall: float


class Alarm:
    """Something that is due at a monotonic second, or not set."""

    def __init__(self) -> None:
        self.due: float | None = None

    def set(self, due: float) -> None:
        """Ring at `due`."""
        self.due = due

    def clear(self) -> None:
        """Do not ring."""
        self.due = None

    def take(self, now: float) -> float | None:
        """Return how many seconds late it rings, and clear it; None when it does not ring now."""
        if self.due is None or now < self.due:
            return None
        late, self.due = now - self.due, None
        return late


def earliest(dues: Iterable[float | None]) -> float | None:
    """Return the first of the seconds that are set."""
    return min((due for due in dues if due is not None), default=None)
