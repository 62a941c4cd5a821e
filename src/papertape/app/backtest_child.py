"""The process in which a desk's backtest runs: `python -m …backtest_child`.

The order stands on the first line of the standard input, which stays open as long as the desk lives; progress, and in
the end the result or a failure, are lines on the standard output.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import msgspec

from papertape.app.backtest import open_input, run_backtest
from papertape.errors import PapertapeError
from papertape.model.backtest import BacktestProgress, BacktestResult, BacktestTask
from papertape.store.child_process import give_way

_TELL_EVERY_S = 0.25

_encode = msgspec.json.encode


class BacktestOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What the desk asks of the process."""

    data_dir: str
    task: BacktestTask


class BacktestFailure(msgspec.Struct, frozen=True, kw_only=True):
    """Why there is no result: a sentence and its code."""

    message: str
    code: str


class BacktestWord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the process: how far it is, what it came to, or why not."""

    progress: BacktestProgress | None = None
    result: BacktestResult | None = None
    failure: BacktestFailure | None = None


def carry_out(order: BacktestOrder, on_progress: Callable[[BacktestProgress], None]) -> BacktestWord:
    """Run the backtest and return its last word."""
    task = order.task
    try:
        with open_input(task.data, task.warmup_s, Path(order.data_dir)) as data:
            return BacktestWord(result=asyncio.run(run_backtest(data, task, on_progress)))
    except PapertapeError as error:
        return BacktestWord(failure=BacktestFailure(message=error.message, code=error.code))
    except MemoryError:
        pass  # what filled the memory is let go of with the frames of the error
    sentence = "The backtest ran out of memory; take fewer symbols or a shorter recording."
    return BacktestWord(failure=BacktestFailure(message=sentence, code="backtest.memory"))


class _Teller:
    """Writes words; progress a few times a second at most."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._next = 0.0

    def tell(self, word: BacktestWord) -> None:
        self._out.write(_encode(word) + b"\n")
        self._out.flush()

    def tell_progress(self, progress: BacktestProgress) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _TELL_EVERY_S
            self.tell(BacktestWord(progress=progress))


def _end_with_the_desk() -> None:
    while os.read(0, 1_000):  # not through sys.stdin, whose lock the end of the interpreter would wait for
        pass
    os._exit(1)  # the input ends only when the desk is gone: nobody is left to answer


def main() -> None:
    """Carry out the order that stands on the standard input."""
    give_way()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the desk, which ends this process in its own order
    teller = _Teller(os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)  # whatever else is printed is no word
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=BacktestOrder)
    threading.Thread(target=_end_with_the_desk, name="papertape-end-with-the-desk", daemon=True).start()
    teller.tell(carry_out(order, teller.tell_progress))


if __name__ == "__main__":
    main()
