"""A desk that is killed while it seals, merges or removes loses nothing and keeps nothing twice."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

from papertape.errors import NotFound
from papertape.journal.ports import Commit
from papertape.model.entries import Batch
from papertape.store.folder import open_folder
from papertape.store.readers import Readers
from papertape.store.segments.sealer import Sealer, SealPolicy
from papertape.store.segments.work import carry_out
from papertape.store.sqlite import SqliteStore, open_store
from papertape.testkit.store_contract import SESSION, session_row, ticks, write

HERE = Path(__file__).parent
OTHER = "exec_20251227_165823_00000000"
BATCHES = [ticks(seq, seq + 9) for seq in range(1, 100, 10)]
_DEADLINE_S = 60.0


def _fill(path: Path) -> None:
    folder = open_folder(path)
    store = open_store(folder, count(1_000_000).__next__)
    write(store, *(Commit(session_id=SESSION, batch=batch) for batch in BATCHES))
    write(store, Commit(session_id=SESSION, batch=None, row=session_row(SESSION, 1, state="stopped", updated_ts=1)))
    write(store, Commit(session_id=OTHER, batch=ticks(1, 1)))
    store.close()
    folder.close()


def _with_store(path: Path, use: Callable[[SqliteStore], None]) -> None:
    folder = open_folder(path)
    store = open_store(folder, lambda: 20_000_000)
    try:
        use(store)
    finally:
        store.close()
        folder.close()


def _on_tape(store: SqliteStore) -> list[Batch] | str:
    try:
        return list(store.batches(SESSION))
    except NotFound as error:
        return error.code


def _places_in_both(store: SqliteStore) -> set[int]:
    readers = Readers(store.path, size=1)
    rows = readers.rows("SELECT rowid FROM tape WHERE session_id = :session_id", {"session_id": SESSION})
    readers.close()
    kept = [row for row in store.segments.of_session(SESSION) if row.removed_ts is None]
    sealed = [placed.place for row in kept for placed in store.segments.placed_batches(row)]
    assert len(sealed) == len(set(sealed))
    return {int(place or 0) for (place,) in rows} & {place for place in sealed if place is not None}


def _check(store: SqliteStore) -> None:
    sealer = Sealer(store, lambda: 20_000_000, SealPolicy(segment_entries=1_000), work=carry_out)
    found = _on_tape(store)
    is_removed = any(row.removed_ts is not None for row in store.segments.of_session(SESSION))
    assert found == ("store.segment_removed" if is_removed else BATCHES)
    assert _places_in_both(store) == set()
    sealer.sweep()
    named = {row.file for row in store.segments.all() if row.removed_ts is None}
    assert {f"segments/{path.name}" for path in (store.path.parent / "segments").iterdir()} == named
    assert _on_tape(store) == found
    assert sealer.seal_now().failures == ()
    assert _on_tape(store) == found
    sealer.close()


def test_kill_9_at_any_step_loses_no_batch_and_leaves_none_twice(tmp_path: Path) -> None:
    _fill(tmp_path / "filled")
    command = [sys.executable, str(HERE / "sealing_child.py"), str(tmp_path / "filled"), str(tmp_path / "copies")]
    done = subprocess.run(command, capture_output=True, timeout=2 * _DEADLINE_S, text=True, check=False)
    ends = [int(line) for line in done.stdout.split()]
    assert ends == [-signal.SIGKILL] * (len(ends) - 1) + [0], done.stderr
    assert len(ends) > 20, "seal 3 files, merge them and remove the one that is left: more steps than that"
    for step in range(1, len(ends) + 1):
        _with_store(tmp_path / "copies" / str(step), _check)


_ORPHANING = """
import os, signal, subprocess, sys, threading, time
from pathlib import Path
from papertape.store.folder import open_folder
from papertape.store.sqlite import open_store
from papertape.store.segments import child
from papertape.store.segments.sealer import Sealer, SealPolicy

start = subprocess.Popen
def started(*args, **kwargs):
    process = start(*args, **kwargs)
    write = process.communicate
    def communicate(task):
        process.stdin.write(task)
        process.stdin.close()
        os.kill(os.getpid(), signal.SIGKILL)
    process.communicate = communicate
    return process
child.subprocess.Popen = started
store = open_store(open_folder(Path(sys.argv[1])), lambda: 10_000_000)
Sealer(store, lambda: 10_000_000, SealPolicy()).seal_now()
"""


def _wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.01)


def test_a_file_made_for_a_desk_that_was_killed_meanwhile_is_removed_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "data"
    _fill(path)
    killed = subprocess.run(
        [sys.executable, "-c", _ORPHANING, str(path)], capture_output=True, timeout=_DEADLINE_S, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    _wait_until(lambda: any((path / "segments").glob("*.parquet")))

    def check(store: SqliteStore) -> None:
        assert store.segments.all() == []
        _check(store)

    _with_store(path, check)


def test_a_desk_goes_on_writing_and_reading_while_its_sealer_works(tmp_path: Path) -> None:
    def use(store: SqliteStore) -> None:
        sealer = Sealer(store, lambda: 1, SealPolicy(segment_entries=7, live_entries=30, pause_s=0.01), work=carry_out)
        sealer.start()
        deadline = time.monotonic() + _DEADLINE_S
        while len(store.segments.of_session(OTHER)) < 4:
            last = store.last_entry_seq(OTHER)
            write(store, Commit(session_id=OTHER, batch=ticks(last + 1, last + 10)))
            assert list(store.batches(OTHER)) == [ticks(seq, seq + 9) for seq in range(1, last + 10, 10)]
            assert time.monotonic() < deadline, "nothing was sealed in time"
        sealer.close()
        assert sealer.last_report.failures == ()

    _with_store(tmp_path / "data", use)
