"""Seals, merges and removes a folder's tape in processes that are killed at one step each, on a copy each.

Started by `test_sealing.py` as `python sealing_child.py FILLED COPIES`; copies `FILLED` to `COPIES/1`, `COPIES/2` and
so on, one a step, until there is no such step, and prints how each process ended.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from itertools import count
from pathlib import Path

from papertape.model.tables import SegmentRow
from papertape.store.folder import open_folder
from papertape.store.schema import Scalar
from papertape.store.segments.disk import SegmentDisk
from papertape.store.segments.sealer import Sealer, SealPolicy
from papertape.store.segments.work import Task, carry_out
from papertape.store.sqlite import SqliteStore, open_store
from papertape.store.writer import OnDurable

POLICIES = (
    SealPolicy(segment_entries=40),
    SealPolicy(segment_entries=1_000),
    SealPolicy(segment_entries=1_000, keep_days=0),
)


class Fate:
    """Counts steps and ends the process at one of them."""

    def __init__(self, step: int) -> None:
        self._left = step

    def step(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class MortalDisk(SegmentDisk):
    """Every method may be the last, before, in the middle of and after its work."""

    def __init__(self, fate: Fate) -> None:
        self._fate = fate

    def write_draft(self, path: Path, content: bytes) -> Path:
        path.with_name(path.name + ".draft").write_bytes(content[: len(content) // 2])
        self._fate.step()
        draft = super().write_draft(path, content)
        self._fate.step()
        return draft

    def publish(self, draft: Path, path: Path) -> None:
        super().publish(draft, path)
        self._fate.step()

    def sync(self, folder: Path) -> None:
        super().sync(folder)
        self._fate.step()

    def remove(self, path: Path) -> None:
        super().remove(path)
        self._fate.step()


class MortalStore(SqliteStore):
    """A transaction may be the last thing that is done."""

    fate: Fate

    def transact(self, owner: str, statements: tuple[tuple[str, tuple[Scalar, ...]], ...], on_done: OnDurable) -> None:
        def then(error: BaseException | None) -> None:
            self.fate.step()
            on_done(error)

        super().transact(owner, statements, then)


def seal(path: Path, fate: Fate) -> None:
    """Do all there is to do, up to the step that is the last."""
    store = open_store(open_folder(path), lambda: 10_000_000)
    store.__class__ = MortalStore
    store.fate = fate  # type: ignore[attr-defined]  # as its class is now
    disk = MortalDisk(fate)

    def work(task: Task) -> SegmentRow | None:
        return carry_out(task, disk)

    for policy in POLICIES:
        report = Sealer(store, lambda: 10_000_000, policy, work=work, disk=disk).seal_now()
        assert report.failures == (), report.failures
    store.close()


def main() -> None:
    filled, copies = Path(sys.argv[1]), Path(sys.argv[2])
    for step in count(1):
        path = copies / str(step)
        shutil.copytree(filled, path)
        child = os.fork()  # nothing has been done here yet that a copy of this process could not bear
        if child == 0:
            seal(path, Fate(step))
            os._exit(0)
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(f"{ended}\n")
        if ended != -signal.SIGKILL:
            break


if __name__ == "__main__":
    main()
