"""Runs a desk's backtest in a process of its own, which has the CPU only when the desk does not want it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from papertape.app.backtest import IMPORT_PREFIX, find_import
from papertape.app.backtest_child import BacktestOrder, BacktestWord
from papertape.errors import Broken, Invalid, Unavailable
from papertape.model.backtest import BacktestProgress, BacktestResult, BacktestTask
from papertape.session.backtests import SESSION_PREFIX
from papertape.store.child_process import describe_end, give_way

_LONGEST_WORD = 4_000_000
_KEPT_WORDS = 2_000

_word = msgspec.json.Decoder(BacktestWord).decode


class BacktestProcess:
    """Implements `BacktestRunner` on recordings of one data folder.

    Args:
        data_dir: The data folder; its journal is only read.
        command: What is run, this program's own process by default.
        on_started: Is told the number of each process.
    """

    def __init__(
        self,
        data_dir: Path,
        command: tuple[str, ...] = (sys.executable, "-m", "papertape.app.backtest_child"),
        on_started: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._data_dir = data_dir
        self._command = command
        self._on_started = on_started

    def check(self, data: str) -> None:
        """Raise `Invalid` or `NotFound` when `data` is neither `session:ID` nor something in the imports."""
        if data.startswith(IMPORT_PREFIX):
            find_import(data.removeprefix(IMPORT_PREFIX), self._data_dir)
        elif not data.startswith(SESSION_PREFIX):
            raise Invalid(
                f"{data!r} is no data of this desk; give session:ID for a session's tape, or import:NAME for a "
                "recording in the data folder's imports.",
                code="backtest.data",
                path="data",
            )

    async def run(self, task: BacktestTask, on_progress: Callable[[BacktestProgress], None]) -> BacktestResult:
        """Run to the end; cancelling ends the process at once.

        Raises:
            Broken: it came to no result; the sentence says why.
            Unavailable: no process could be started.
        """
        child = await self._start()
        saying = asyncio.create_task(_last_words(child.stderr), name="standard error of a backtest")
        try:
            word = await _converse(child, BacktestOrder(data_dir=str(self._data_dir), task=task), on_progress)
            status = await child.wait()
            said = await saying
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
            saying.cancel()
        if word.result is not None:
            return word.result
        if word.failure is not None:
            raise Broken(word.failure.message, code=word.failure.code)
        raise Broken(
            f"The process of the backtest {describe_end(status, said)}. The desk and its journal are as they were; "
            "start it again, with fewer symbols or a shorter recording where memory was short.",
            code="backtest.process_ended",
        )

    async def _start(self) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        try:
            child = await asyncio.create_subprocess_exec(
                *self._command, stdin=pipe, stdout=pipe, stderr=pipe, limit=_LONGEST_WORD
            )
        except OSError as error:
            raise Unavailable(
                f"No process could be started for the backtest ({error}); try again later.", code="backtest.no_process"
            ) from error
        give_way(child.pid)  # here as well, so that not even its start takes the desk's CPU
        self._on_started(child.pid)
        return child


async def _converse(
    child: asyncio.subprocess.Process, order: BacktestOrder, on_progress: Callable[[BacktestProgress], None]
) -> BacktestWord:
    assert child.stdin is not None
    assert child.stdout is not None
    last = BacktestWord()
    try:
        child.stdin.write(msgspec.json.encode(order) + b"\n")  # and stays open: its end ends the process
        await child.stdin.drain()
    except ConnectionError:
        return last  # it ended before it listened; how it ended says why
    async for line in child.stdout:
        try:
            last = _word(line)
        except msgspec.DecodeError:  # a line that its end cut off
            return BacktestWord()
        if last.progress is not None:
            on_progress(last.progress)
    return last


async def _last_words(stream: asyncio.StreamReader | None) -> bytes:
    said = b""
    while stream is not None and (more := await stream.read(_KEPT_WORDS)):
        said = (said + more)[-_KEPT_WORDS:]
    return said
