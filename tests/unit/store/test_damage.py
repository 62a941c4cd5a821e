"""Damaged, cut, missing and foreign files, and a clock that steps: each is said in a sentence, nothing is mended."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import apsw
import pytest

from papertape.errors import Broken, NotFound, PapertapeError, Unavailable
from papertape.journal.ports import Commit
from papertape.model.tables import SEGMENTS, SIGNALS, SegmentRow
from papertape.store.commit_count import count_file
from papertape.store.folder import open_folder
from papertape.store.history import open_history
from papertape.store.inspection import find_faults, inspect_journal
from papertape.store.schema import CODECS
from papertape.store.sqlite import SqliteStore, open_store
from papertape.store.sqlite_sql import insert_sql
from papertape.testkit.store_contract import SESSION, Acknowledgements, facts, signal, ticks, write

PAGE = 4096
HERE = Path(__file__).parent


@contextmanager
def opened(data_dir: Path) -> Iterator[SqliteStore]:
    folder = open_folder(data_dir)
    try:
        with closing(open_store(folder, lambda: 0)) as store:
            yield store
    finally:
        folder.close()


def commits(first: int, last: int) -> list[Commit]:
    return [
        Commit(session_id=SESSION, batch=ticks(10 * n - 9, 10 * n), events=(signal(n),)) for n in range(first, last + 1)
    ]


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A folder whose journal was closed in good order, with 300 batches."""
    with opened(tmp_path / "data") as store:
        write(store, *commits(1, 300))
    return tmp_path / "data"


@pytest.fixture
def cut_dir(tmp_path: Path) -> Path:
    """A folder whose desk was killed: the newest commits are in the write-ahead log only."""
    with opened(tmp_path / "live") as store:
        write(store, *commits(1, 20))
        shutil.copytree(tmp_path / "live", tmp_path / "killed")
    return tmp_path / "killed"


def contents(data_dir: Path) -> dict[str, bytes]:
    names = ("papertape.sqlite3", "papertape.sqlite3-wal", "version")
    return {name: (data_dir / name).read_bytes() for name in names if (data_dir / name).exists()}


def refusal(data_dir: Path) -> PapertapeError:
    """Return what opening the store is refused with; nothing may be changed by it, however often."""
    before = contents(data_dir)
    for _ in range(2):
        with pytest.raises((Broken, Unavailable)) as refused, opened(data_dir):
            raise AssertionError("it was opened")
    after = contents(data_dir)
    assert {name: after.get(name) for name in before} == before
    return refused.value


def overwrite(file: Path, offset: int, content: bytes) -> None:
    with file.open("r+b") as opened_file:
        opened_file.seek(offset)
        opened_file.write(content)


def test_a_whole_folder_has_no_faults(data_dir: Path, cut_dir: Path) -> None:
    assert find_faults(data_dir, is_deep=True) == []
    assert find_faults(cut_dir, is_deep=True) == []
    with opened(cut_dir) as store:
        assert store.last_entry_seq(SESSION) == 200


@pytest.mark.parametrize(
    ("offset", "content"), [(0, b"SQLite format 4\0"), (0, bytes(100)), (16, b"\x00\x03"), (100, b"\xff" * 8)]
)
def test_a_damaged_header_is_said(data_dir: Path, offset: int, content: bytes) -> None:
    overwrite(data_dir / "papertape.sqlite3", offset, content)
    found = refusal(data_dir)
    assert found.code == "store.damaged"
    assert "is damaged" in found.message
    assert [fault for fault in find_faults(data_dir) if "is damaged" in fault]


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_a_damaged_page_in_the_middle_is_found(data_dir: Path, share: float) -> None:
    database = data_dir / "papertape.sqlite3"
    page = int(share * database.stat().st_size / PAGE)
    overwrite(database, page * PAGE, b"\xa5" * PAGE)
    found = find_faults(data_dir, is_deep=True)
    assert found
    assert all("is damaged" in fault or "cannot be read" in fault for fault in found), found
    assert database.read_bytes()[page * PAGE : (page + 1) * PAGE] == b"\xa5" * PAGE


def test_a_batch_whose_bytes_changed_is_found_and_the_others_are_read(data_dir: Path) -> None:
    with closing(apsw.Connection(str(data_dir / "papertape.sqlite3"))) as connection:
        connection.execute("UPDATE tape SET payload = zeroblob(30) WHERE first_seq = 1501").fetchall()
    (fault,) = find_faults(data_dir, is_deep=True)
    assert fault.startswith(f"The batch at seq 1501 of session {SESSION} cannot be read")
    with closing(open_history(data_dir / "papertape.sqlite3")) as history:
        assert next(history.batches(SESSION, after_seq=1501)) == ticks(1511, 1520)


def test_a_missing_batch_is_found(data_dir: Path) -> None:
    with closing(apsw.Connection(str(data_dir / "papertape.sqlite3"))) as connection:
        connection.execute("DELETE FROM tape WHERE first_seq = 1501").fetchall()
    (fault,) = find_faults(data_dir, is_deep=True)
    assert "has a hole: a batch was expected at seq 1501" in fault


@pytest.mark.parametrize("kept", [100, PAGE, 5 * PAGE, 5 * PAGE + 17])
def test_a_truncated_database_is_said(data_dir: Path, kept: int) -> None:
    os.truncate(data_dir / "papertape.sqlite3", kept)
    assert refusal(data_dir).code == "store.damaged"
    assert [fault for fault in find_faults(data_dir, is_deep=True) if "is damaged" in fault]


def test_an_empty_file_is_said(data_dir: Path) -> None:
    os.truncate(data_dir / "papertape.sqlite3", 0)
    assert refusal(data_dir).code == "store.empty"


def test_a_log_that_is_gone_is_noticed(cut_dir: Path) -> None:
    (cut_dir / "papertape.sqlite3-wal").unlink()
    (cut_dir / "papertape.sqlite3-shm").unlink()
    found = refusal(cut_dir)
    assert found.code == "store.commits_lost"
    assert "was acknowledged: its write-ahead log papertape.sqlite3-wal was cut short, replaced or rem" in found.message
    assert found.message in find_faults(cut_dir)


@pytest.mark.parametrize("kept", [0, 32, 32 + 24 + PAGE, 0.5, 0.9])
def test_a_log_that_was_cut_short_is_noticed_and_left(cut_dir: Path, kept: float) -> None:
    log = cut_dir / "papertape.sqlite3-wal"
    os.truncate(log, int(kept if kept >= 1 else kept * log.stat().st_size))
    assert refusal(cut_dir).code == "store.commits_lost"


def test_a_log_with_altered_bytes_is_noticed(cut_dir: Path) -> None:
    log = cut_dir / "papertape.sqlite3-wal"
    overwrite(log, log.stat().st_size // 2, b"\xa5" * 100)
    assert refusal(cut_dir).code == "store.commits_lost"


def test_a_trader_may_go_on_without_what_is_lost(cut_dir: Path) -> None:
    log = cut_dir / "papertape.sqlite3-wal"
    os.truncate(log, log.stat().st_size // 2)
    assert refusal(cut_dir).code == "store.commits_lost"
    count_file(cut_dir / "papertape.sqlite3").unlink()
    with opened(cut_dir) as store:
        last = store.last_event_seq(SESSION)
        assert 10 * last == store.last_entry_seq(SESSION)  # what remains is whole: a prefix of what was
        write(store, *commits(last + 1, 25))
    assert find_faults(cut_dir, is_deep=True) == []


def test_an_older_journal_in_the_place_of_the_present_one_is_noticed(data_dir: Path, tmp_path: Path) -> None:
    shutil.copy(data_dir / "papertape.sqlite3", tmp_path / "older")
    with opened(data_dir) as store:
        write(store, *commits(301, 301))
    shutil.copy(tmp_path / "older", data_dir / "papertape.sqlite3")
    assert refusal(data_dir).code == "store.commits_lost"


@pytest.mark.parametrize("content", [b"", b"\x00" * 11, b"nonsense", "٣".encode()])
def test_a_count_that_a_power_cut_left_unreadable_says_nothing(data_dir: Path, content: bytes) -> None:
    count = count_file(data_dir / "papertape.sqlite3")
    before = count.read_bytes()
    count.write_bytes(content)
    with opened(data_dir):
        assert count.read_bytes() == before


def test_a_count_that_lags_says_nothing(data_dir: Path) -> None:
    count_file(data_dir / "papertape.sqlite3").write_bytes(b"0000000001\n")
    assert find_faults(data_dir, is_deep=True) == []
    with opened(data_dir) as store:
        write(store, *commits(301, 301))


def test_a_version_that_cannot_be_read_is_among_the_faults(data_dir: Path) -> None:
    (data_dir / "version").write_bytes(b"\xff\xfe")
    (fault,) = find_faults(data_dir)
    assert "expected the number of the data folder's version" in fault


def seal_by_hand(data_dir: Path, number: int, content: bytes) -> SegmentRow:
    """Enter a sealed file in the manifest for batches the tape has not, so that only the file is looked at."""
    file = f"segments/{number}.parquet"
    (data_dir / file).write_bytes(content)
    row = SegmentRow(
        session_id=f"sealed {number}", first_seq=1, last_seq=5, first_row=1, last_row=1, first_ts=1, last_ts=5,
        file=file, sha256="2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881", size=1, sealed_ts=9,
    )  # fmt: skip
    with closing(apsw.Connection(str(data_dir / "papertape.sqlite3"))) as connection:
        connection.execute(insert_sql(SEGMENTS), CODECS["segments"].encode(row.session_id, row))
    return row


@pytest.mark.parametrize(
    ("content", "said"), [(b"y", "was altered: its SHA-256 is"), (b"", "has 0 bytes, expected 1"), (None, "is missing")]
)
def test_a_sealed_file_that_is_not_what_was_sealed_is_named(data_dir: Path, content: bytes | None, said: str) -> None:
    row = seal_by_hand(data_dir, 1, content or b"")
    if content is None:
        (data_dir / row.file).unlink()
    assert find_faults(data_dir) == []
    (fault,) = find_faults(data_dir, is_deep=True)
    assert fault.startswith(f"The sealed file {data_dir / row.file} (seq 1 to 5 of session sealed 1) {said}")
    assert "Put it back from a backup" in fault


def test_a_folder_without_a_journal_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no journal"):
        find_faults(tmp_path)


def test_what_is_looked_over_may_be_in_use(data_dir: Path) -> None:
    with opened(data_dir) as store:
        write(store, *commits(301, 302))
        found = inspect_journal(data_dir)
        assert find_faults(data_dir, is_deep=True) == []
    assert (found.entries, found.rows["tape"], found.rows["signals"]) == (3_020, 302, 302)
    assert (found.oldest_ts, found.newest_ts) == (signal(1).ts, signal(302).ts)
    assert (found.folder_version, found.differences, found.sessions) == (2, (), {})
    assert found.log_size > 0


def test_an_older_journal_is_looked_over_without_being_changed(data_dir: Path) -> None:
    with closing(apsw.Connection(str(data_dir / "papertape.sqlite3"))) as connection:
        for table in ("segments", "samples", "sessions"):
            connection.execute(f"DROP TABLE {table}").fetchall()
    for _ in range(2):
        found = inspect_journal(data_dir)
        assert len(found.differences) == 3
        assert "papertape store migrate` runs: CREATE TABLE" in found.differences[0]
        assert set(find_faults(data_dir)) == set(found.differences)
    assert "sessions" not in found.rows


def test_a_clock_that_steps_an_hour_either_way_refuses_nothing(tmp_path: Path) -> None:
    hour = 3_600_000_000
    now = [10 * hour]
    folder = open_folder(tmp_path)
    store = open_store(folder, lambda: now[0])
    for number, step in enumerate((0, hour, -2 * hour, hour, -hour), 1):
        now[0] += step
        write(store, facts(SESSION, signal(number)))
        status = store.status()
        assert (status.is_healthy, status.last_error, status.last_durable_ts) == (True, None, now[0])
        assert 0 <= status.lag_ms < 60_000, f"after a step of {step / hour:g} h"
    store.probe()
    assert [fact.seq for fact in store.events(SIGNALS, SESSION)] == [1, 2, 3, 4, 5]
    store.close()
    folder.close()


def test_a_clock_that_steps_while_a_commit_waits_gives_a_lag_that_heals(tmp_path: Path) -> None:
    hour = 3_600_000_000
    now = [10 * hour]
    folder = open_folder(tmp_path)
    store = open_store(folder, lambda: now[0])
    for step in (hour, -hour):
        waiting, go_on = threading.Event(), threading.Event()

        def hold(_: BaseException | None, waiting: threading.Event = waiting, go_on: threading.Event = go_on) -> None:
            waiting.set()
            assert go_on.wait(10)

        store.submit(facts(SESSION), hold)
        assert waiting.wait(10)
        answers = Acknowledgements(1)
        store.submit(facts(SESSION), answers.of("waiting"))
        now[0] += step
        go_on.set()
        assert answers.wait() == [("waiting", None)]
        assert store.status().lag_ms >= 0
        now[0] += 6_000_000
        write(store, facts(SESSION))
        assert store.status().lag_ms < 60_000
    store.close()
    folder.close()


PROGRAM = (
    "import sys; from pathlib import Path; from papertape.errors import Conflict; "
    "from papertape.store.folder import open_folder\n"
    "try: open_folder(Path(sys.argv[1]))\n"
    "except Conflict as error: print(error.message)"
)


def test_a_second_process_is_refused_by_the_pid_of_this_one(data_dir: Path) -> None:
    with opened(data_dir):
        said = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(data_dir)], check=True, capture_output=True, text=True, timeout=60
        ).stdout
    assert f"is used by another papertape desk, process {os.getpid()}." in said
