"""Decides whether the other side still lives. Any frame is life."""

from __future__ import annotations

from typing import Literal

from papertape.client.alarm import Alarm, earliest
from papertape.client.limits import ClientLimits

Doubt = Literal["probe", "dead"]


class Liveness:
    """Silent for long: probe; still silent after the grace: dead. A hidden client gives no verdict.

    A verdict whose time came late is void and asks again: the machine slept or the loop was blocked, and what the desk
    sent meanwhile is still to be read.
    """

    def __init__(self, limits: ClientLimits) -> None:
        self._limits = limits
        self._silence = Alarm()
        self._grace = Alarm()
        self._dead_s = 0.0
        self._last_frame = 0.0

    @property
    def next_at(self) -> float | None:
        """Return when `passed` has something to say."""
        return earliest((self._silence.due, self._grace.due))

    def start(self, now: float, dead_s: float) -> None:
        """Begin with the welcome; silent for `dead_s` seconds is suspicious."""
        self._dead_s = self._limits.dead_s if self._limits.dead_s is not None else dead_s
        self._last_frame = now
        self._silence.set(now + self._dead_s)

    def on_frame(self, now: float) -> None:
        """Take any frame."""
        self._last_frame = now
        self._grace.clear()

    def silent_s(self, now: float) -> float:
        """Return the seconds since the last frame."""
        return now - self._last_frame

    def check(self, now: float) -> Doubt | None:
        """Ask now; called when the machine, the network or the tab woke up. Nothing is asked before the welcome."""
        if self._silence.due is None:
            return None
        self._grace.set(now + self._limits.grace_s)
        return "probe"

    def passed(self, now: float, *, is_visible: bool) -> Doubt | None:
        """Take the time; return what is doubtful now."""
        late = self._grace.take(now)
        if late is not None and is_visible:
            if late > self._limits.late_s or self.silent_s(now) < self._dead_s:
                return self.check(now)
            return "dead"
        if self._silence.take(now) is None:
            return None
        left = self._dead_s - self.silent_s(now)
        self._silence.set(now + (left if left > 0 else self._dead_s))
        if left > 0 or not is_visible or self._grace.due is not None:
            return None
        return self.check(now)
