"""A journal is made whole, and copied before it is changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from papertape.errors import Broken, Unavailable
from papertape.model.tables import SIGNALS
from papertape.store.connections import open_reading
from papertape.store.folder import DataFolder, open_folder
from papertape.store.sqlite import open_store
from papertape.store.verify import TableChanges, compare_tables
from papertape.testkit.store_contract import SESSION, facts, signal, write

ADD_SIDE = 'ALTER TABLE "signals" ADD COLUMN "side" TEXT'
ADD_FEE = """ALTER TABLE "fills" ADD COLUMN "fee" TEXT NOT NULL DEFAULT '0'"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[DataFolder]:
    folder = open_folder(tmp_path)
    store = open_store(folder, lambda: 0)
    write(store, facts(SESSION, signal(1)))
    store.close()
    yield folder
    folder.close()


def change(database: Path, *statements: str) -> None:
    connection = apsw.Connection(str(database))
    for statement in statements:
        connection.execute(statement).fetchall()
    connection.close()


def test_a_new_journal_is_not_copied(tmp_path: Path) -> None:
    folder = open_folder(tmp_path)
    store = open_store(folder, lambda: 0)
    assert store.migration is None
    store.close()
    folder.close()
    assert not folder.backups.exists()


def test_a_journal_that_fits_is_not_copied(folder: DataFolder) -> None:
    store = open_store(folder, lambda: 0)
    assert store.migration is None
    store.close()
    assert not folder.backups.exists()


def test_an_older_journal_is_copied_before_it_is_changed(folder: DataFolder) -> None:
    change(folder.database, "ALTER TABLE signals DROP COLUMN side", "DROP TABLE samples")
    store = open_store(folder, lambda: 0)
    migration = store.migration
    assert store.events(SIGNALS, SESSION) == [signal(1, side=None)]
    store.close()
    assert migration is not None
    assert migration.copy == folder.backups / "journal-1.sqlite3"
    assert migration.sentence == (
        f"2 changes were made to the journal for this version of papertape; it was copied to {migration.copy} before."
    )
    copy = open_reading(migration.copy)
    assert len(compare_tables(copy).statements) == 2
    assert copy.execute("SELECT session_id, seq FROM signals").fetchall() == [(SESSION, 1)]
    copy.close()


def test_a_folder_that_was_just_copied_is_not_copied_twice(folder: DataFolder) -> None:
    change(folder.database, "DROP TABLE samples")
    folder.close()
    again = open_folder(folder.path, version=3, upgrades={2: lambda _: None})
    store = open_store(again, lambda: 0)
    assert store.migration is not None
    assert store.migration.copy == folder.backups / "version-2-1"
    assert [path.name for path in folder.backups.iterdir()] == ["version-2-1"]
    store.close()
    again.close()


def test_what_needs_a_decision_is_neither_copied_nor_changed(folder: DataFolder) -> None:
    change(folder.database, "ALTER TABLE signals DROP COLUMN section")
    with pytest.raises(Broken, match="nothing was changed"):
        open_store(folder, lambda: 0)
    assert not folder.backups.exists()


def test_without_a_copy_nothing_is_changed(folder: DataFolder) -> None:
    change(folder.database, "DROP TABLE samples")
    (folder.backups / ".journal.new").mkdir(parents=True)  # no copy can be written where a folder stands
    with pytest.raises(Unavailable, match="copy that is made first could not be written") as refusal:
        open_store(folder, lambda: 0)
    assert refusal.value.code == "store.copy_failed"
    reading = open_reading(folder.database)
    assert len(compare_tables(reading).statements) == 1
    reading.close()


def test_a_comparison_changes_nothing(folder: DataFolder) -> None:
    change(folder.database, "ALTER TABLE signals DROP COLUMN side", "ALTER TABLE fills DROP COLUMN fee")
    reading = open_reading(folder.database)
    for _ in range(2):
        assert compare_tables(reading) == TableChanges(statements=(ADD_SIDE, ADD_FEE), problems=())
    reading.close()


@pytest.mark.parametrize("orphan", ["papertape.sqlite3-wal", "segments/s/1.parquet"])
def test_what_belongs_to_a_missing_journal_is_no_start_of_a_new_one(folder: DataFolder, orphan: str) -> None:
    folder.database.unlink()
    (folder.path / orphan).parent.mkdir(exist_ok=True)
    (folder.path / orphan).write_bytes(b"x")
    with pytest.raises(Broken, match=f"is missing, but .*{orphan} belongs to it") as refusal:
        open_store(folder, lambda: 0)
    assert refusal.value.code == "store.missing"
    assert not folder.database.exists()


def test_an_empty_journal_is_refused_and_left(folder: DataFolder) -> None:
    folder.database.write_bytes(b"")
    with pytest.raises(Broken, match=r"is empty \(0 bytes\).*papertape store restore") as refusal:
        open_store(folder, lambda: 0)
    assert refusal.value.code == "store.empty"
    assert folder.database.stat().st_size == 0


def test_a_start_that_was_cut_off_is_done_again(tmp_path: Path) -> None:
    folder = open_folder(tmp_path)
    (tmp_path / ".papertape.sqlite3.new").write_bytes(b"half")
    open_store(folder, lambda: 0).close()
    folder.close()
    assert not (tmp_path / ".papertape.sqlite3.new").exists()
