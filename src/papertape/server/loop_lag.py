"""Watches the event loop: its worst lag, and where the main thread stood when it did not come back."""

from __future__ import annotations

import sys
import threading
import traceback

import structlog

_log = structlog.get_logger("papertape.server.loop_lag")


class LoopLag:
    """Lag in milliseconds, sampled by a task that reports when it should have run and when it did."""

    def __init__(self) -> None:
        self._recent_worst = 0.0
        self.worst_ms = 0.0

    def sample(self, expected: float, actual: float) -> float:
        """Take one wake-up, expected and actual in monotonic seconds; return its lag in milliseconds."""
        lag_ms = max(0.0, (actual - expected) * 1000)
        self._recent_worst = max(lag_ms, self._recent_worst * 0.99)
        self.worst_ms = max(lag_ms, self.worst_ms)
        return lag_ms

    @property
    def recent_ms(self) -> float:
        """Return the worst lag of the last seconds, fading."""
        return self._recent_worst


class StallWatch:
    """A thread that logs the stack of the loop's thread once when the loop has not beaten for `limit_s` seconds."""

    def __init__(self, limit_s: float = 0.5) -> None:
        self._limit_s = limit_s
        self.noticed = threading.Event()
        self._beat = threading.Event()
        self._stop = threading.Event()
        self._watched = threading.get_ident()
        self._thread = threading.Thread(target=self._run, name="papertape-stall-watch", daemon=True)

    def start(self) -> None:
        """Begin to watch the calling thread."""
        self._watched = threading.get_ident()
        self._thread.start()

    def beat(self) -> None:
        """Say that the loop runs."""
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
            frame = sys._current_frames().get(self._watched)  # noqa: SLF001 - the only way to see another thread's stack
            stack = "".join(traceback.format_stack(frame)) if frame else ""
            _log.warning("event_loop_stalled", limit_s=self._limit_s, stack=stack)
            self.noticed.set()
            self._beat.wait()
