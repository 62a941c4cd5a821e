"""A process that runs backtests for `papertape backtest --jobs`: `python -m …backtest_worker`.

The first line of the standard input says where the columns are, which it maps into its memory; every further line is a
run. Progress, and for each run its result or a failure, are lines on the standard output. The end of the input ends it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path
from queue import SimpleQueue
from typing import IO

import msgspec

from papertape.app.backtest_run import BacktestRun, RunOrder, carry_out
from papertape.errors import PapertapeError, Refused
from papertape.model.columns import MarketColumns
from papertape.store.market_columns_cache import map_columns

_TELL_EVERY_S = 0.1


class RunFailure(msgspec.Struct, frozen=True, kw_only=True):
    """Why a run has no result: a sentence, its code, and whether the request was wrong."""

    message: str
    code: str
    path: str | None = None
    is_refused: bool = False


class WorkerWord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the process: the rows done so far, what a run came to, or why not."""

    done: int | None = None
    result: BacktestRun | None = None
    failure: RunFailure | None = None


class _Teller:
    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._next = 0.0

    def tell(self, word: WorkerWord) -> None:
        self._out.write(msgspec.json.encode(word) + b"\n")
        self._out.flush()

    def tell_progress(self, done: int) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _TELL_EVERY_S
            self.tell(WorkerWord(done=done))


def _answer(order: RunOrder, market: MarketColumns, teller: _Teller) -> WorkerWord:
    try:
        return WorkerWord(result=carry_out(order, market, teller.tell_progress))
    except PapertapeError as error:
        failure = RunFailure(
            message=error.message, code=error.code, path=error.path, is_refused=isinstance(error, Refused)
        )
        return WorkerWord(failure=failure)
    except MemoryError:
        pass  # what filled the memory is let go of with the frames of the error
    sentence = "The run ran out of memory; take fewer symbols, a shorter time, or fewer --jobs."
    return WorkerWord(failure=RunFailure(message=sentence, code="backtest.memory"))


def _take_lines(lines: SimpleQueue[bytes]) -> None:
    for line in sys.stdin.buffer:
        lines.put(line)
    os._exit(0)  # nobody is left to answer: the one who asked has ended, or has all its answers


def main() -> None:
    """Carry out the runs that come on the standard input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who asked, who ends this process
    teller = _Teller(os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)  # whatever else is printed is no word
    lines: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_take_lines, args=(lines,), name="papertape-orders", daemon=True).start()
    place = Path(msgspec.json.decode(lines.get(), type=str))
    mapped = map_columns(place)
    while True:
        order = msgspec.json.decode(lines.get(), type=RunOrder)
        if mapped is None:
            gone = f"The columns in {place} are gone, which another run or somebody has deleted; run it again."
            teller.tell(WorkerWord(failure=RunFailure(message=gone, code="backtest.columns_gone")))
        else:
            teller.tell(_answer(order, mapped[0], teller))


if __name__ == "__main__":
    main()
