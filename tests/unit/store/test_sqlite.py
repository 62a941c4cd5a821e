"""What only a database on a disk can meet: rows that are gone or changed, readers beside the writer, closing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

from papertape.errors import Broken, NotFound, Unavailable
from papertape.journal.ports import Commit
from papertape.model.tables import SIGNALS
from papertape.store.connections import open_reading, open_writing
from papertape.store.folder import DataFolder, open_folder
from papertape.store.history import open_history
from papertape.store.sqlite import SqliteStore, open_store
from papertape.store.writer import WriterLimits
from papertape.testkit.store_contract import SESSION, facts, signal, ticks, write


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[DataFolder]:
    folder = open_folder(tmp_path)
    yield folder
    folder.close()


@pytest.fixture
def store(folder: DataFolder) -> Iterator[SqliteStore]:
    store = open_store(folder, lambda: 5)
    yield store
    store.close()


def run(folder: DataFolder, statement: str, *values: object) -> None:
    connection = apsw.Connection(str(folder.database))
    connection.execute(statement, values).fetchall()
    connection.close()


def _write_three_batches(store: SqliteStore) -> None:
    write(store, *(Commit(session_id=SESSION, batch=batch) for batch in (ticks(1, 3), ticks(4, 6), ticks(7, 9))))


def test_a_batch_that_is_gone_is_found(store: SqliteStore, folder: DataFolder) -> None:
    _write_three_batches(store)
    run(folder, "DELETE FROM tape WHERE first_seq = 4")
    reading = store.batches(SESSION)
    assert next(reading) == ticks(1, 3)
    with pytest.raises(Broken, match="a batch was expected at seq 4, the next one found starts at 7") as found:
        next(reading)
    assert found.value.code == "store.tape_hole"
    with pytest.raises(Broken, match="expected at seq 4"):
        list(store.batches(SESSION, after_seq=6))


@pytest.mark.parametrize(
    ("payload", "why"),
    [(b"\xc1garbage", "MessagePack data is malformed"), (b"", "truncated"), (b"\x90", "it holds 0 entries")],
)
def test_a_payload_that_cannot_be_read_is_named(
    store: SqliteStore, folder: DataFolder, payload: bytes, why: str
) -> None:
    _write_three_batches(store)
    run(folder, "UPDATE tape SET payload = ? WHERE first_seq = 4", payload)
    with pytest.raises(Broken, match=f"The batch at seq 4 of session {SESSION} cannot be read .*{why}") as found:
        list(store.batches(SESSION))
    assert found.value.code == "store.undecodable_batch"


def test_a_fact_that_cannot_be_read_is_named(store: SqliteStore, folder: DataFolder) -> None:
    write(store, facts(SESSION, signal(1)))
    run(folder, "UPDATE signals SET side = 'bye'")
    with pytest.raises(Broken, match="row of table signals"):
        store.events(SIGNALS, SESSION)


def test_a_table_that_vanishes_is_unavailable_and_not_an_empty_answer(store: SqliteStore, folder: DataFolder) -> None:
    run(folder, "DROP TABLE signals")
    with pytest.raises(Unavailable, match=r"differs from what .*no such table"):
        store.events(SIGNALS, SESSION)


def test_what_was_written_is_there_after_opening_again(folder: DataFolder) -> None:
    for seq in (1, 2, 3):
        store = open_store(folder, lambda: 5)
        write(store, Commit(session_id=SESSION, batch=ticks(seq, seq), events=(signal(seq),)))
        store.close()
    store = open_store(folder, lambda: 5)
    assert list(store.batches(SESSION)) == [ticks(seq, seq) for seq in (1, 2, 3)]
    assert store.events(SIGNALS, SESSION) == [signal(seq) for seq in (1, 2, 3)]
    store.close()


def test_closing_leaves_the_journal_and_its_count(folder: DataFolder) -> None:
    store = open_store(folder, lambda: 5)
    write(store, facts(SESSION, signal(1)))
    store.close()
    store.close()
    assert sorted(path.name for path in folder.path.glob("papertape.*")) == [
        "papertape.sqlite3",
        "papertape.sqlite3-count",
    ]


def test_a_closed_store_refuses_reads_and_writes(folder: DataFolder) -> None:
    store = open_store(folder, lambda: 5)
    store.close()
    with pytest.raises(Unavailable, match="is closed"):
        store.sessions()
    with pytest.raises(Broken, match="is closed"):
        write(store, facts(SESSION, signal(1)))


def test_many_threads_read_while_one_writes(store: SqliteStore) -> None:
    counts: list[list[int]] = []

    def read() -> None:
        counts.append([len(store.events(SIGNALS, SESSION)) for _ in range(20)])

    readers = [threading.Thread(target=read) for _ in range(8)]
    for reader in readers:
        reader.start()
    for seq in range(1, 101):
        write(store, facts(SESSION, signal(seq)))
    for reader in readers:
        reader.join()
    assert len(counts) == 8
    assert all(each == sorted(each) for each in counts)


def test_the_journal_is_read_while_another_process_would_write_it(store: SqliteStore, folder: DataFolder) -> None:
    write(store, facts(SESSION, signal(1)))
    history = open_history(folder.database)
    write(store, Commit(session_id=SESSION, batch=ticks(1, 2), events=(signal(2),)))
    assert history.events(SIGNALS, SESSION) == [signal(1), signal(2)]
    assert list(history.batches(SESSION)) == [ticks(1, 2)]
    with pytest.raises(Unavailable, match="opened for reading only"):
        history.save_views(SESSION, 1, b"{}")
    history.close()


def test_the_journal_is_read_while_no_desk_runs(folder: DataFolder) -> None:
    store = open_store(folder, lambda: 5)
    write(store, facts(SESSION, signal(1)))
    store.close()
    history = open_history(folder.database)
    assert history.events(SIGNALS, SESSION) == [signal(1)]
    history.close()


def test_a_journal_that_is_missing_or_not_migrated_is_refused_to_readers(folder: DataFolder) -> None:
    with pytest.raises(NotFound, match="There is no journal"):
        open_history(folder.database)
    open_store(folder, lambda: 5).close()
    run(folder, "ALTER TABLE signals DROP COLUMN side")
    with pytest.raises(Unavailable, match=r'differs from what .*no such column: "side"'):
        open_history(folder.database)


@pytest.mark.parametrize("opened", [open_writing, open_reading], ids=lambda opened: opened.__name__)
def test_a_column_that_does_not_exist_is_never_read_as_a_text(
    store: SqliteStore, folder: DataFolder, opened: Callable[[Path], apsw.Connection]
) -> None:
    write(store, facts(SESSION, signal(1)))
    connection = opened(folder.database)
    with pytest.raises(apsw.SQLError, match='no such column: "colour"'):
        connection.execute('SELECT "colour" FROM "signals"')
    connection.close()


def test_a_probe_that_fails_says_why(store: SqliteStore, folder: DataFolder) -> None:
    run(folder, "CREATE TRIGGER nothing_is_kept AFTER INSERT ON views BEGIN DELETE FROM views; END")
    with pytest.raises(Unavailable, match="did not return the row") as failed:
        store.probe()
    assert failed.value.code == "store.probe_failed"


def test_a_full_queue_refuses_through_the_store(folder: DataFolder) -> None:
    store = open_store(folder, lambda: 5, limits=WriterLimits(queue_jobs=0))
    with pytest.raises(Broken, match="queue is full"):
        write(store, facts(SESSION, signal(1)))
    with pytest.raises(Unavailable, match=r"took no probe row.*queue is full"):
        store.probe()
    store.close()


def test_the_status_names_the_driver_and_its_durability(store: SqliteStore, folder: DataFolder) -> None:
    status = store.status()
    assert (status.driver, status.location) == ("sqlite", str(folder.database))
    assert status.detail == f"SQLite {apsw.sqlite_lib_version()}, WAL, synchronous=FULL, 0 retries"


def test_the_database_is_a_write_ahead_log_synced_at_every_commit(store: SqliteStore, folder: DataFolder) -> None:
    write(store, facts(SESSION, signal(1)))
    looking = apsw.Connection(str(folder.database), flags=apsw.SQLITE_OPEN_READONLY)
    assert looking.execute("PRAGMA journal_mode").fetchall() == [("wal",)]
    looking.close()
