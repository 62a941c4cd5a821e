from collections.abc import Iterator
from pathlib import Path

import pytest

from papertape.journal.ports import Commit
from papertape.model.session import SessionRow
from papertape.store.folder import open_folder
from papertape.store.history import open_history
from papertape.store.readers import Readers
from papertape.store.session_list import SessionList
from papertape.store.sqlite import SqliteStore, open_store
from papertape.testkit.store_contract import session_row, write

CLOCK = 1_766_854_702_000_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    folder = open_folder(tmp_path / "data")
    store = open_store(folder, lambda: CLOCK)
    yield store
    store.close()
    folder.close()


def keep(store: SqliteStore, number: int, revision: int = 1, **changes: object) -> SessionRow:
    row = session_row(f"exec_20251227_165822_{number:08x}", revision, created_ts=CLOCK + number, **changes)
    write(store, Commit(session_id=row.session_id, batch=None, row=row))
    return row


def test_an_unchanged_session_is_the_same_object_at_every_reading(store: SqliteStore) -> None:
    keep(store, 1)
    (before,) = store.sessions()
    changed = keep(store, 2)
    (newer, again) = store.sessions()
    assert newer == changed
    assert again is before


def test_a_new_revision_replaces_the_session_in_its_place(store: SqliteStore) -> None:
    first, second = keep(store, 1), keep(store, 2)
    assert store.sessions() == [second, first]
    stopped = keep(store, 1, 2, state="stopped", reason="Stopped by the trader.")
    assert store.sessions() == [second, stopped]
    assert store.session(first.session_id) == stopped


def test_what_another_process_writes_is_found_by_a_reader(store: SqliteStore) -> None:
    keep(store, 1)
    history = open_history(store.path)
    assert len(history.sessions()) == 1
    second = keep(store, 2)
    assert history.sessions(limit=1) == [second]
    assert history.session(second.session_id) == second
    history.close()


def test_beyond_the_kept_ones_the_journal_is_asked(store: SqliteStore) -> None:
    rows = [keep(store, number) for number in range(5)]
    readers = Readers(store.path)
    kept = SessionList(readers, kept=3)
    assert kept.newest(3) == rows[:1:-1]
    assert kept.newest(4) is None
    assert kept.find(rows[0].session_id) is None
    rows.append(keep(store, 5))
    assert kept.newest(3) == rows[:2:-1]
    assert kept.find(rows[2].session_id) is None
    readers.close()
    assert store.sessions(limit=6) == rows[::-1]
