"""Runs strategies over a recording: what `papertape backtest` and the process of a desk's backtest have in common."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import polars as pl

from papertape.app.stores import find_session, open_history
from papertape.errors import Invalid, NotFound
from papertape.feeds.recorded.recording import Moment, Recording, Tally
from papertape.feeds.recorded.session_tape import TapeRecording
from papertape.feeds.recorded.source import RecordedSource, open_recording
from papertape.journal.ports import History
from papertape.model.backtest import BacktestProgress, BacktestResult, BacktestTask
from papertape.model.entries import Batch
from papertape.model.instrument import Instrument
from papertape.session.backtest import Backtest
from papertape.session.backtests import SESSION_PREFIX
from papertape.session.clock import wall_clock
from papertape.session.planning import make_backtest_plan

IMPORT_PREFIX = "import:"
IMPORTS = "imports"
"""The folder in a data folder whose recordings a desk's backtest may read."""

_WARMUP_S = 60.0


class BacktestInput(msgspec.Struct, frozen=True, kw_only=True):
    """A recording that is open. `done` counts its entries read so far; `total` is None where it does not say.

    `is_total_of_all`: `total` is that of all its instruments, and says nothing about some of them.
    """

    source: RecordedSource
    done: Callable[[], int]
    total: int | None
    is_total_of_all: bool


@contextmanager
def open_input(data: str, warmup_s: float | None, data_dir: Path) -> Iterator[BacktestInput]:
    """Open `session:ID` or `import:NAME` of a data folder, or the recording at any other path.

    Raises:
        NotFound: there is no such session, file or folder.
        Invalid: nothing readable is in it.
    """
    if not data.startswith(SESSION_PREFIX):
        is_import = data.startswith(IMPORT_PREFIX)
        path = find_import(data.removeprefix(IMPORT_PREFIX), data_dir) if is_import else Path(data)
        recording = _Counted(open_recording(path))
        source = RecordedSource(
            data, math.inf, wall_clock, warmup_s=_WARMUP_S if warmup_s is None else warmup_s, recording=recording
        )
        yield BacktestInput(source=source, done=lambda: recording.done, total=_rows(path), is_total_of_all=True)
        return
    with open_history(data_dir) as history:
        row = find_session(history, data.removeprefix(SESSION_PREFIX), data_dir)
        reading = _TapeReading(history, row.session_id)
        tape = TapeRecording(row.plan.instruments, reading.batches)
        warmed = tape.warmup_s() if warmup_s is None else warmup_s
        source = RecordedSource(
            data, math.inf, wall_clock, warmup_s=_WARMUP_S if warmed is None else warmed, recording=tape
        )
        total = history.last_entry_seq(row.session_id)
        yield BacktestInput(source=source, done=lambda: reading.last_seq, total=total, is_total_of_all=False)


async def run_backtest(
    data: BacktestInput, task: BacktestTask, on_progress: Callable[[BacktestProgress], None]
) -> BacktestResult:
    """Run to the end of the recording and say what it came to; raises `Invalid`, `Unavailable`, `Broken`."""
    offered = await data.source.instruments()
    plan = make_backtest_plan(task, offered)
    is_part = data.is_total_of_all and len(plan.instruments) < len(offered)
    total = None if is_part else data.total
    started = time.perf_counter()
    backtest = Backtest(plan)
    summary = await backtest.run(data.source, lambda _: on_progress(BacktestProgress(data.done(), total)))
    seconds = time.perf_counter() - started
    return BacktestResult(
        **msgspec.structs.asdict(summary), seconds=round(seconds, 3), entries_per_s=round(summary.entries / seconds)
    )


def find_import(name: str, data_dir: Path) -> Path:
    """Return where a recording in the data folder's imports is.

    Raises:
        Invalid: the name leads out of the imports.
        NotFound: there is no such file or folder.
    """
    imports = (data_dir / IMPORTS).resolve()
    try:
        path = (imports / name).resolve()
        is_there = path.exists()
    except (OSError, ValueError):  # longer than a path may be, or with a character that none has
        path, is_there = imports, False
    if path == imports or not path.is_relative_to(imports):
        raise Invalid(
            f"{name[:200]!r} is no name of a recording in {imports}; put the recording there and give its name.",
            code="backtest.import",
            path="data",
        )
    if not is_there:
        raise NotFound(
            f"There is no {name!r} in {imports}; `papertape import … --out {imports / 'NAME'}` puts a recording there.",
            code="backtest.no_import",
            path="data",
        )
    return path


class _Counted:
    """A recording that counts what is read of it."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self.done = 0

    def instruments(self) -> list[Instrument]:
        return self._recording.instruments()

    def play(self, instruments: Sequence[Instrument], tally: Tally) -> Iterator[Moment]:
        for moment in self._recording.play(instruments, tally):
            self.done += 1
            yield moment


class _TapeReading:
    """A session's batches, and how far they were read."""

    def __init__(self, history: History, session_id: str) -> None:
        self._history = history
        self._session_id = session_id
        self.last_seq = 0

    def batches(self) -> Iterator[Batch]:
        for batch in self._history.batches(self._session_id):
            self.last_seq = batch.last_seq
            yield batch


def _rows(path: Path) -> int | None:
    files = [path] if path.suffix == ".parquet" else sorted(path.glob("*.parquet")) if path.is_dir() else []
    if not files:
        return None
    return sum(int(pl.scan_parquet(file).select(pl.len()).collect().item()) for file in files)
