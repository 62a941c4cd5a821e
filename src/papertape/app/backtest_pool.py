"""Runs several backtests over the same columns in processes of their own, and puts their results in order."""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import msgspec

from papertape.app.backtest_run import BacktestRun, RunOrder
from papertape.app.backtest_worker import RunFailure, WorkerWord
from papertape.errors import Broken, Invalid, PapertapeError, Unavailable
from papertape.store.child_process import describe_end

WORKER = (sys.executable, "-m", "papertape.app.backtest_worker")

_LONGEST_WORD = 4_000_000
_KEPT_WORDS = 2_000

_word = msgspec.json.Decoder(WorkerWord).decode


class BacktestPool:
    """Processes that map the columns at `place` and take one run after the other.

    Args:
        place: a folder of kept columns.
        jobs: how many processes.
        command: what is run.
        on_started: is told the number of each process.
    """

    def __init__(
        self,
        place: Path,
        jobs: int,
        command: tuple[str, ...] = WORKER,
        on_started: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._place = place
        self._jobs = jobs
        self._command = command
        self._on_started = on_started

    async def run(self, orders: Sequence[RunOrder], on_progress: Callable[[int], None]) -> list[BacktestRun]:
        """Return the results in the order of the orders; the first failure ends all processes, as cancelling does.

        Args:
            orders: what to run.
            on_progress: is told the number of rows done so far, over all runs.

        Raises:
            PapertapeError: why a run failed, with its name.
        """
        waiting = deque(enumerate(orders))
        done = [0] * len(orders)
        results: dict[int, BacktestRun] = {}

        def note(at: int, rows: int) -> None:
            done[at] = rows
            on_progress(sum(done))

        tasks = [
            asyncio.create_task(self._work(waiting, results, note), name=f"backtests {number}")
            for number in range(min(self._jobs, len(orders)))
        ]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return [results[at] for at in range(len(orders))]

    async def _work(
        self, waiting: deque[tuple[int, RunOrder]], results: dict[int, BacktestRun], note: Callable[[int, int], None]
    ) -> None:
        worker = await _Worker.start(self._command, self._place)
        self._on_started(worker.pid)
        try:
            while waiting:
                at, order = waiting.popleft()
                result = await worker.run(order, partial(note, at))
                results[at] = result
                note(at, result.events)
        finally:
            await worker.end()


class _Worker:
    """One process, in conversation."""

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self._child = child
        self.pid = child.pid
        self._saying = asyncio.create_task(_last_words(child.stderr), name="standard error of a backtest")

    @classmethod
    async def start(cls, command: tuple[str, ...], place: Path) -> _Worker:
        pipe = asyncio.subprocess.PIPE
        try:
            child = await asyncio.create_subprocess_exec(
                *command, stdin=pipe, stdout=pipe, stderr=pipe, limit=_LONGEST_WORD
            )
        except OSError as error:
            raise Unavailable(
                f"No process could be started for the backtest ({error}); give fewer --jobs.",
                code="backtest.no_process",
            ) from error
        worker = cls(child)
        await worker._tell(msgspec.json.encode(str(place)))
        return worker

    async def run(self, order: RunOrder, on_rows: Callable[[int], None]) -> BacktestRun:
        """Return the result of a run; raises what kept it from coming."""
        assert self._child.stdout is not None
        await self._tell(msgspec.json.encode(order))
        async for line in self._child.stdout:
            try:
                word = _word(line)
            except msgspec.DecodeError:  # a line that its end cut off
                break
            if word.result is not None:
                return word.result
            if word.failure is not None:
                raise _as_error(word.failure, order.name)
            on_rows(word.done or 0)
        status = await self._child.wait()
        raise Broken(
            f"The process of the run {order.name!r} {describe_end(status, await self._saying)}. All runs were ended; "
            "run it again, with fewer --jobs, fewer symbols or a shorter time where memory was short.",
            code="backtest.process_ended",
        )

    async def end(self) -> None:
        """End the process at once."""
        if self._child.returncode is None:
            self._child.kill()
        await self._child.wait()
        self._saying.cancel()
        await asyncio.gather(self._saying, return_exceptions=True)

    async def _tell(self, line: bytes) -> None:
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(line + b"\n")
            await self._child.stdin.drain()
        except ConnectionError:
            pass  # it ended; how it ended says why


def _as_error(failure: RunFailure, name: str) -> PapertapeError:
    kind = Invalid if failure.is_refused else Broken
    return kind(f"The run {name!r} failed. {failure.message}", code=failure.code, path=failure.path)


async def _last_words(stream: asyncio.StreamReader | None) -> bytes:
    said = b""
    while stream is not None and (more := await stream.read(_KEPT_WORDS)):
        said = (said + more)[-_KEPT_WORDS:]
    return said
