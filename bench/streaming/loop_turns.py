"""An event loop that says how long each of its turns took, and what in it took how long."""

from __future__ import annotations

import asyncio
import contextlib
import selectors
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextvars import Context
from typing import TypeVarTuple, Unpack

from streaming.figure import quantile

_Ts = TypeVarTuple("_Ts")


class _TimedSelector(selectors.DefaultSelector):
    """Everything between two waits is one turn of the loop."""

    def __init__(self, turns: LoopTurns) -> None:
        super().__init__()
        self._turns = turns
        self._since = _Now()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._turns.add("a turn of the loop", self._since)
        found = super().select(timeout)
        self._since = _Now()
        return found


class TimedLoop(asyncio.SelectorEventLoop):
    """Measures every turn and every callback; a callback of a task counts under the task's coroutine."""

    def __init__(self, turns: LoopTurns) -> None:
        super().__init__(_TimedSelector(turns))
        self._turns = turns

    def call_soon(
        self, callback: Callable[[Unpack[_Ts]], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Measure the callback when it runs."""
        return super().call_soon(self._timed(callback), *args, context=context)

    def call_soon_threadsafe(
        self, callback: Callable[[Unpack[_Ts]], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Measure the callback when it runs."""
        return super().call_soon_threadsafe(self._timed(callback), *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[Unpack[_Ts]], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Measure the callback when it runs."""
        return super().call_at(when, self._timed(callback), *args, context=context)

    def _timed(self, callback: Callable[[Unpack[_Ts]], object]) -> Callable[[Unpack[_Ts]], object]:
        cause = _cause(callback)

        def run(*args: *_Ts) -> None:
            since = _Now()
            callback(*args)
            self._turns.add(cause, since)

        return run


class LoopTurns:
    """How long the loop was held, by cause."""

    def __init__(self) -> None:
        self._held: dict[str, list[tuple[float, float]]] = defaultdict(list)
        self._since = time.perf_counter()
        self._collecting = _Now()

    def add(self, cause: str, since: _Now) -> None:
        """Count one hold that ends now."""
        self._held[cause].append(since.passed_ms())

    @contextlib.contextmanager
    def measured(self, cause: str) -> Iterator[None]:
        """Count the block as one hold."""
        since = _Now()
        try:
            yield
        finally:
            self.add(cause, since)

    def note_collection(self, phase: str, about: dict[str, int]) -> None:
        """Count a garbage collection; to be given to `gc.callbacks`."""
        if phase == "start":
            self._collecting = _Now()
        else:
            self.add(f"garbage collection, generation {about['generation']}", self._collecting)

    def forget(self) -> None:
        """Begin anew."""
        self._held.clear()
        self._since = time.perf_counter()

    def figures(self, at_least_ms: float = 0.5) -> dict[str, dict[str, float]]:
        """Return what held the loop by cause, the longest first; causes that never held it long are left out.

        `cpu` is the loop's own work; what is more in the other two, the machine or another thread took from it.
        """
        seconds = time.perf_counter() - self._since
        found = {}
        for cause, held in self._held.items():
            passed, worked = [wall for wall, _ in held], [cpu for _, cpu in held]
            if max(passed) >= at_least_ms:
                found[cause] = {
                    "longest_ms": round(max(passed), 2),
                    "p99_ms": round(quantile(passed, 0.99), 2),
                    "longest_cpu_ms": round(max(worked), 2),
                    "cpu_ms_per_s": round(sum(worked) / seconds, 2),
                    "per_s": round(len(held) / seconds, 1),
                }
        return dict(sorted(found.items(), key=lambda item: -item[1]["longest_ms"]))


class _Now:
    """A moment by the clock and by the work of this thread."""

    __slots__ = ("_wall", "_worked")

    def __init__(self) -> None:
        self._wall, self._worked = time.perf_counter(), time.thread_time()

    def passed_ms(self) -> tuple[float, float]:
        """Return what has passed since by both, in milliseconds."""
        return (time.perf_counter() - self._wall) * 1000, (time.thread_time() - self._worked) * 1000


def _cause(callback: Callable[..., object]) -> str:
    task = getattr(callback, "__self__", None)
    if isinstance(task, asyncio.Task):
        return f"task {getattr(task.get_coro(), '__qualname__', '?')}"
    function = getattr(callback, "func", callback)
    return getattr(function, "__qualname__", type(function).__name__)
