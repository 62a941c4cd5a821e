"""A store with batches of one session, and sealers for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from papertape.journal.ports import Commit
from papertape.model.entries import Batch, Lifecycle
from papertape.model.tables import SegmentRow
from papertape.store.folder import open_folder
from papertape.store.readers import Readers
from papertape.store.schema import Scalar
from papertape.store.segments.sealer import Sealer, SealPolicy
from papertape.store.segments.work import Task, carry_out
from papertape.store.sqlite import SqliteStore, open_store
from papertape.testkit.store_contract import SESSION, Acknowledgements, session_row, ticks, write

DAY_US = 86_400_000_000


class SealedStore:
    """An open store on a folder of its own; its clock counts, and can be set forward."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = 1_000_000
        self._folder = open_folder(path)
        self._number = count(1)
        self._sealers: list[Sealer] = []
        self.store: SqliteStore = open_store(self._folder, self.clock)

    def clock(self) -> int:
        self.now += 1
        return self.now

    def add(self, *batches: Batch, session_id: str = SESSION) -> None:
        write(self.store, *(Commit(session_id=session_id, batch=batch) for batch in batches))

    def enter(self, state: Lifecycle, session_id: str = SESSION) -> None:
        row = session_row(session_id, next(self._number), state=state, updated_ts=self.clock())
        write(self.store, Commit(session_id=session_id, batch=None, row=row))

    def run(self, statement: str, values: tuple[Scalar, ...]) -> None:
        """Change the database as no part of papertape does."""
        answers = Acknowledgements(1)
        self.store.transact("test", ((statement, values),), answers.of(None))
        assert answers.wait() == [(None, None)]

    def sealer(
        self,
        *,
        work: Callable[[Task], SegmentRow | None] = carry_out,
        highest_place: Callable[[], int | None] = lambda: None,
        **policy: float | None,
    ) -> Sealer:
        settings = SealPolicy(**{"segment_entries": 10, "live_entries": 5, **policy})  # type: ignore[arg-type]  # each is a field of it
        made = Sealer(self.store, self.clock, settings, work=work, highest_place=highest_place)
        self._sealers.append(made)
        return made

    def in_journal(self, session_id: str = SESSION) -> list[tuple[int, int]]:
        """Return the first and last seq of the batches that are still in the journal."""
        readers = Readers(self.store.path, size=1)
        found = readers.rows(
            "SELECT first_seq, last_seq FROM tape WHERE session_id = :session_id ORDER BY first_seq",
            {"session_id": session_id},
        )
        readers.close()
        return [(int(first or 0), int(last or 0)) for first, last in found]

    def sealed(self, session_id: str = SESSION) -> list[tuple[int, int]]:
        """Return the first and last seq of the session's files."""
        return [(row.first_seq, row.last_seq) for row in self.store.segments.of_session(session_id)]

    def files(self) -> list[str]:
        """Return the names in the folder of sealed files."""
        return sorted(f"segments/{path.name}" for path in (self.path / "segments").iterdir())

    def close(self) -> None:
        for sealer in self._sealers:
            sealer.close()
        self.store.close()
        self._folder.close()


@pytest.fixture
def sealed(tmp_path: Path) -> Iterator[SealedStore]:
    opened = SealedStore(tmp_path / "data")
    yield opened
    opened.close()


def fours(count: int, start: int = 1) -> list[Batch]:
    """Return batches of four clock ticks each, the first with seq `start`."""
    return [ticks(seq, seq + 3) for seq in range(start, start + 4 * count, 4)]
