"""A journal with its copy in a QuestDB, as the desk runs them, for tests of what goes wrong between the two."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import msgspec

from papertape.model.views import MirrorStatus
from papertape.session.clock import wall_clock
from papertape.store.folder import open_folder
from papertape.store.outbox import PageLimits
from papertape.store.questdb.address import QuestAddress
from papertape.store.questdb.mirror import QuestMirror, open_mirror
from papertape.store.questdb.pace import MirrorPace
from papertape.store.sqlite import open_store
from papertape.testkit.journal_load import JournalLoad

QUICK = MirrorPace(
    step_s=0.1,
    first_retry_s=0.05,
    longest_retry_s=0.3,
    refused_retry_s=0.3,
    ask_s=0.2,
    sizes_s=1.0,
    request_s=1.5,
    page=PageLimits(rows=200),
)
"""A mirror that loses no time, so that a test of a fault takes seconds."""


class MirroredJournal:
    """An open store on a folder with a running mirror; closing it lets both go."""

    def __init__(
        self,
        folder: Path,
        address: QuestAddress,
        *,
        clock: Callable[[], int] = wall_clock,
        pace: MirrorPace = QUICK,
    ) -> None:
        self._folder = open_folder(folder)
        self.store = open_store(self._folder, clock)
        self.mirror: QuestMirror = open_mirror(address, self.store, clock, pace=pace)
        self.mirror.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the mirror, then the store."""
        self.mirror.close()
        self.store.close()
        self._folder.close()

    def wait_for(self, what: Callable[[MirrorStatus], bool], deadline_s: float = 20) -> MirrorStatus:
        """Return the first status of which `what` holds."""
        until = time.monotonic() + deadline_s
        while not what(status := self.mirror.status()):
            assert time.monotonic() < until, f"waited {deadline_s:g} s in vain; now {status}"
            time.sleep(0.01)
        return status

    def wait_until_copied(self, deadline_s: float = 20) -> MirrorStatus:
        """Return the status once every durable row is acknowledged and the watermarks say so."""

        def is_copied(_: MirrorStatus) -> bool:
            outbox = self.store.outbox(self.mirror.status().location)
            marks = outbox.watermarks()
            places = {source: mark.acknowledged for source, mark in marks.items() if mark.acknowledged}
            return places == {source: place for source, place in outbox.newest_places().items() if place}

        return self.wait_for(is_copied, deadline_s)


class Writing:
    """Writes a load in a thread of its own, `per_s` commits a second (None: as fast as it goes), until it ends."""

    def __init__(self, journal: MirroredJournal, load: JournalLoad, *, per_s: int | None = None) -> None:
        self._journal = journal
        self._load = load
        self._per_s = per_s
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="journal-load", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        due = time.monotonic()
        while not self._ending.is_set():
            count = 10 if self._per_s is None else max(1, self._per_s // 20)
            self._load.write(self._journal.store, count)
            if self._per_s is not None:
                due += count / self._per_s
                self._ending.wait(max(0.0, due - time.monotonic()))


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """How a mirror bore a load: the ticks written, the worst lags, and how long it took to catch up afterwards."""

    ticks: int
    lag_ms: float
    visible_lag_ms: float
    drained_s: float


def hold_ticks(journal: MirroredJournal, load: JournalLoad, *, per_s: int, seconds: float) -> Held:
    """Write ticks at a steady rate for a while and return how the mirror bore it."""
    before = load.ticks_written
    commits_per_s = per_s // load.ticks
    with Writing(journal, load, per_s=commits_per_s):
        time.sleep(seconds)
    ended = time.monotonic()
    journal.wait_until_copied(60)
    drained_s = time.monotonic() - ended
    status = journal.wait_for(lambda status: sum(table.unapplied for table in status.tables) == 0, 60)
    return Held(
        ticks=load.ticks_written - before,
        lag_ms=status.lag_ms,
        visible_lag_ms=status.visible_lag_ms,
        drained_s=drained_s,
    )
