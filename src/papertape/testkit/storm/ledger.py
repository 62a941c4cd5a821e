"""Which tasks belong to which run, when many run in one loop."""

from __future__ import annotations

import asyncio
import contextvars
import weakref
from collections.abc import Coroutine, Generator
from typing import Any

_run: contextvars.ContextVar[str] = contextvars.ContextVar("storm_run", default="")
_Work = Coroutine[Any, Any, Any] | Generator[Any, None, Any]


class TaskLedger:
    """Installed on a loop, it knows every task that was made on behalf of a run, by the run or by what it started."""

    def __init__(self) -> None:
        self._tasks: dict[str, weakref.WeakSet[asyncio.Task[Any]]] = {}

    def install(self, loop: asyncio.AbstractEventLoop) -> None:
        """Keep the loop's tasks from now on."""
        loop.set_task_factory(self._make)

    def begin(self, run: str) -> None:
        """Count what the current task starts from now on to `run`."""
        _run.set(run)

    async def left(self, run: str, timeout_s: float) -> list[str]:
        """Return the names of the run's tasks that have not ended within `timeout_s`, and forget the run."""
        tasks = self._tasks.pop(run, weakref.WeakSet())
        waited = [task for task in tasks if task is not asyncio.current_task() and not task.done()]
        if waited:
            _, pending = await asyncio.wait(waited, timeout=timeout_s)
            return sorted(f"{task.get_name()} in {task.get_coro()!r:.80}" for task in pending)
        return []

    def _make(
        self,
        loop: asyncio.AbstractEventLoop,
        work: _Work,
        **options: Any,
    ) -> asyncio.Task[Any]:
        task = asyncio.Task(work, loop=loop, **options)
        context = options.get("context")
        run = context.get(_run, "") if context is not None else _run.get()
        if run:
            self._tasks.setdefault(run, weakref.WeakSet()).add(task)
        return task
