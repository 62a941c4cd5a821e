"""Watches the event loop: its lag second by second, the time in which it ran, and where it stood when it did not."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections import deque

import structlog

from papertape.wire.http import LagSecond

_log = structlog.get_logger("papertape.server.loop_lag")

_KEPT_S = 300


class LoopLag:
    """Lag in milliseconds, sampled by a task that reports when it should have run and when it did."""

    def __init__(self) -> None:
        self._recent_worst = 0.0
        self._seconds: deque[LagSecond] = deque(maxlen=_KEPT_S)
        self._second = 0
        self._worst_of_second = 0.0
        self.worst_ms = 0.0

    def sample(self, expected: float, actual: float, ts: int = 0) -> float:
        """Take one wake-up, expected and actual in monotonic seconds; return its lag in milliseconds.

        `ts` is the wall clock, in microseconds UTC.
        """
        lag_ms = max(0.0, (actual - expected) * 1000)
        self._recent_worst = max(lag_ms, self._recent_worst * 0.99)
        self.worst_ms = max(lag_ms, self.worst_ms)
        second = ts // 1_000_000
        if second != self._second:
            if self._second:
                ended = (self._second + 1) * 1_000_000
                self._seconds.append(LagSecond(ts=ended, worst_ms=round(self._worst_of_second, 1)))
            self._second, self._worst_of_second = second, 0.0
        self._worst_of_second = max(lag_ms, self._worst_of_second)
        return lag_ms

    @property
    def recent_ms(self) -> float:
        """Return the worst lag of the last seconds, fading."""
        return self._recent_worst

    def seconds(self) -> list[LagSecond]:
        """Return the last five minutes, oldest first; a stall counts in the second in which it ended."""
        return [*self._seconds]


class Attention:
    """The seconds in which the event loop ran: what a deadline may count, for a loop that stood still heard nobody.

    Somebody beats regularly on the loop. Between two beats at most `most_s` count; the rest the loop stood still. What
    became ready meanwhile may run before the beat that tells, so the time since the last beat is bounded as well. A gap
    of more than `stall_s` is a stall.
    """

    def __init__(self, now: float, most_s: float, stall_s: float) -> None:
        self._most_s = most_s
        self._stall_s = stall_s
        self._started = now
        self._beat_at = now
        self._seconds = 0.0

    def beat(self, now: float) -> bool:
        """Say that the loop runs; return whether a deadline may be judged now.

        Just after a stall it may not: what arrived meanwhile has not been read yet. A loop that is late all the time
        still judges, in its own slower time.
        """
        gap = now - self._beat_at
        self._seconds += min(gap, self._most_s)
        self._beat_at = now
        return gap <= self._stall_s

    def seconds(self, now: float) -> float:
        """Return the seconds in which the loop ran since the start."""
        return self._seconds + min(now - self._beat_at, self._most_s)

    def lost(self, now: float) -> float:
        """Return the seconds in which the loop stood still since the start."""
        return now - self._started - self.seconds(now)


class StallWatch:
    """A thread that logs where the loop's thread stands when it has not beaten for `limit_s`, and how long it took."""

    def __init__(self, limit_s: float = 0.5) -> None:
        self._limit_s = limit_s
        self.noticed = threading.Event()
        self._beat = threading.Event()
        self._beat_at = time.monotonic()
        self._stop = threading.Event()
        self._watched = threading.get_ident()
        self._thread = threading.Thread(target=self._run, name="papertape-stall-watch", daemon=True)

    def start(self) -> None:
        """Begin to watch the calling thread."""
        self._watched = threading.get_ident()
        self._beat_at = time.monotonic()
        self._thread.start()

    def beat(self) -> None:
        """Say that the loop runs."""
        self._beat_at = time.monotonic()
        self._beat.set()

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        self._beat.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            if self._beat.wait(self._limit_s):
                self._beat.clear()
                self._stop.wait(self._limit_s / 5)
                continue
            since = self._beat_at
            frame = sys._current_frames().get(self._watched)  # noqa: SLF001 - the only way to see another thread's stack
            stack = "".join(traceback.format_stack(frame)) if frame else ""
            _log.warning("event_loop_stalled", limit_s=self._limit_s, stack=stack)
            self.noticed.set()
            self._beat.wait()
            _log.warning("event_loop_went_on", stalled_s=round(time.monotonic() - since, 3))
