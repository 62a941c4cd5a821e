"""The writer: order, group commits, full queues, faults that pass and faults that stay."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import apsw
import pytest

from papertape.errors import Broken
from papertape.store.connections import open_writing
from papertape.store.writer import Job, OnDurable, Writer, WriterLimits
from papertape.testkit.store_contract import Acknowledgements

INSERT = "INSERT INTO lines (number, text) VALUES (?, ?)"


def job(number: int, done: OnDurable, *, text: str = "", session_id: str = "s", submitted_ts: int = 0) -> Job:
    return Job(
        session_id=session_id,
        statements=((INSERT, (number, text)),),
        size=len(text) + 8,
        submitted_ts=submitted_ts,
        done=done,
    )


class Bench:
    """A database with one table, a writer on it, and a second connection that looks."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connection = open_writing(path)
        self.connection.execute("CREATE TABLE lines (number INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT")
        self.connection.set_busy_timeout(0)
        self.now = 0
        self._writers: list[Writer] = []

    def writer(self, *, limits: WriterLimits | None = None, pause: Callable[[float], object] | None = None) -> Writer:
        writer = Writer(self.connection, lambda: self.now, limits=limits, pause=pause)
        self._writers.append(writer)
        return writer

    def numbers(self) -> list[int]:
        looking = apsw.Connection(str(self.path), flags=apsw.SQLITE_OPEN_READONLY)
        rows = looking.execute("SELECT number FROM lines ORDER BY number").fetchall()
        looking.close()
        return [int(str(number)) for (number,) in rows]

    def count_commits(self) -> list[int]:
        """Return a list that grows by one with each commit."""
        commits: list[int] = []

        def on_commit() -> bool:
            commits.append(1)
            return False

        self.connection.set_commit_hook(on_commit)
        return commits

    def limit_pages(self, pages: int) -> None:
        self.connection.execute(f"PRAGMA max_page_count = {pages}").fetchall()

    def close(self) -> None:
        for writer in self._writers:
            writer.close()
        self.connection.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path / "lines.sqlite3")
    yield bench
    bench.close()


def _ignore(error: BaseException | None) -> None:
    del error


def test_what_waits_becomes_durable_in_one_group(bench: Bench) -> None:
    commits = bench.count_commits()
    writer = bench.writer()
    answers = Acknowledgements(50)
    for number in range(50):
        writer.submit(job(number, answers.of(number)))
    writer.start()
    assert answers.wait() == [(number, None) for number in range(50)]
    assert bench.numbers() == list(range(50))
    assert len(commits) == 1


def test_a_group_is_bounded_by_jobs_and_by_bytes(bench: Bench) -> None:
    commits = bench.count_commits()
    writer = bench.writer(limits=WriterLimits(group_jobs=4, group_bytes=200))
    answers = Acknowledgements(9)
    for number in range(6):
        writer.submit(job(number, answers.of(number)))
    for number in range(6, 9):
        writer.submit(job(number, answers.of(number), text="x" * 500))
    writer.start()
    assert answers.wait() == [(number, None) for number in range(9)]
    assert len(commits) == 4  # four small, two small and one large, then each large one by itself


def test_a_full_queue_refuses_loudly_and_keeps_what_it_has(bench: Bench) -> None:
    writer = bench.writer(limits=WriterLimits(queue_jobs=2))
    answers = Acknowledgements(2)
    for number in (1, 2):
        writer.submit(job(number, answers.of(number)))
    with pytest.raises(Broken, match=r"queue is full: 2 commits .* the session must halt") as refusal:
        writer.submit(job(3, _ignore))
    assert refusal.value.code == "store.queue_full"
    writer.start()
    assert answers.wait() == [(1, None), (2, None)]
    assert bench.numbers() == [1, 2]


def test_a_queue_full_of_bytes_refuses_but_one_large_commit_passes(bench: Bench) -> None:
    writer = bench.writer(limits=WriterLimits(queue_bytes=100))
    writer.submit(job(1, _ignore, text="x" * 1000))
    with pytest.raises(Broken, match="queue is full: 1 commits"):
        writer.submit(job(2, _ignore))


def test_a_full_disk_is_retried_until_there_is_space_and_nothing_is_lost(bench: Bench) -> None:
    states: list[tuple[bool, int, str | None]] = []
    delays: list[float] = []

    def pause(delay: float) -> None:
        state = writer.state()
        states.append((state.is_healthy, state.queue_length, state.last_error))
        delays.append(delay)
        if len(delays) == 3:
            bench.limit_pages(1_000_000)

    bench.limit_pages(10)
    writer = bench.writer(limits=WriterLimits(first_retry_s=0.5, longest_retry_s=1.5), pause=pause)
    answers = Acknowledgements(30)
    for number in range(30):
        writer.submit(job(number, answers.of(number), text="x" * 4000))
    writer.start()
    assert answers.wait() == [(number, None) for number in range(30)]
    assert bench.numbers() == list(range(30))
    full = "the database cannot be written now (FullError: database or disk is full); it is tried again"
    assert [(is_healthy, waiting) for is_healthy, waiting, _ in states] == [(False, 30)] * 3
    assert delays == [0.5, 1.0, 1.5]
    assert {error for _, _, error in states} == {full.replace("FullError: ", "")}
    assert (writer.state().is_healthy, writer.state().retries) == (True, 3)


def test_a_busy_database_is_retried(bench: Bench) -> None:
    other = apsw.Connection(str(bench.path))
    other.execute("BEGIN IMMEDIATE")
    released = threading.Event()

    def pause(_: float) -> None:
        released.set()
        assert let_go.wait(10)

    let_go = threading.Event()
    writer = bench.writer(pause=pause)
    answers = Acknowledgements(1)
    writer.start()
    writer.submit(job(1, answers.of(1)))
    assert released.wait(10)
    other.execute("ROLLBACK")
    other.close()
    let_go.set()
    assert answers.wait() == [(1, None)]
    assert bench.numbers() == [1]


def test_closing_while_the_disk_is_full_answers_what_waits_with_the_failure(bench: Bench) -> None:
    bench.limit_pages(3)
    writer = bench.writer()
    answers = Acknowledgements(2)
    for number in (1, 2):
        writer.submit(job(number, answers.of(number), text="x" * 20_000))
    writer.start()
    writer.close()
    assert [(label, type(error)) for label, error in answers.wait()] == [(1, Broken), (2, Broken)]
    assert bench.numbers() == []


def test_a_database_that_cannot_be_written_stops_the_writer(bench: Bench) -> None:
    bench.connection.execute("PRAGMA query_only = 1")
    writer = bench.writer()
    answers = Acknowledgements(3)
    for number in range(3):
        writer.submit(job(number, answers.of(number)))
    writer.start()
    failures = {error for _, error in answers.wait()}
    assert len(failures) == 1
    with pytest.raises(Broken, match=r"can no longer be written .*Every acknowledged commit is kept") as refusal:
        writer.submit(job(9, _ignore))
    assert failures == {refusal.value}
    assert not writer.state().is_healthy
    assert writer.state().last_error == refusal.value.message


def test_a_value_the_database_cannot_hold_halts_its_session_only(bench: Bench) -> None:
    writer = bench.writer()
    answers = Acknowledgements(4)
    writer.submit(job(1, answers.of(1), session_id="a"))
    writer.submit(job(2**63, answers.of(2), session_id="b"))
    writer.submit(job(3, answers.of(3), session_id="b"))
    writer.submit(job(4, answers.of(4), session_id="a"))
    writer.start()
    outcome = {str(label): type(error) for label, error in answers.wait()}
    assert outcome == {"1": type(None), "2": Broken, "3": Broken, "4": type(None)}
    assert bench.numbers() == [1, 4]


def test_closing_writes_what_is_queued_and_then_refuses(bench: Bench) -> None:
    writer = bench.writer(limits=WriterLimits(group_jobs=3))
    answers = Acknowledgements(10)
    for number in range(10):
        writer.submit(job(number, answers.of(number)))
    writer.start()
    writer.close()
    writer.close()
    assert answers.wait() == [(number, None) for number in range(10)]
    assert bench.numbers() == list(range(10))
    with pytest.raises(Broken, match="closed"):
        writer.submit(job(11, _ignore))


def test_the_lag_is_the_worst_of_the_last_five_seconds_and_of_what_waits(bench: Bench) -> None:
    writer = bench.writer()
    bench.now = 10_000_000
    writer.submit(job(1, _ignore, submitted_ts=9_997_000))
    assert writer.state().lag_us == 3_000
    bench.now = 10_001_000
    answers = Acknowledgements(1)
    writer.submit(job(2, answers.of(2), submitted_ts=10_000_500))
    writer.start()
    answers.wait()
    lags = []
    for bench.now in (10_001_000, 15_001_000, 15_001_001):
        lags.append(writer.state().lag_us)
    assert lags == [4_000, 4_000, 0]


def test_an_acknowledgement_that_reaches_nobody_does_not_stop_the_writing(bench: Bench) -> None:
    def loop_is_closed(_: BaseException | None) -> None:
        raise RuntimeError("Event loop is closed")

    writer = bench.writer()
    answers = Acknowledgements(1)
    writer.submit(job(1, loop_is_closed))
    writer.submit(job(2, answers.of(2)))
    writer.start()
    assert answers.wait() == [(2, None)]
    assert bench.numbers() == [1, 2]
    assert writer.state().last_error == "An acknowledgement of session s reached nobody: Event loop is closed."


def test_many_threads_may_submit(bench: Bench) -> None:
    writer = bench.writer()
    writer.start()
    answers = Acknowledgements(400)
    numbers = count()

    def submit() -> None:
        for _ in range(100):
            number = next(numbers)
            writer.submit(job(number, answers.of(number)))

    threads = [threading.Thread(target=submit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answers.wait()
    assert bench.numbers() == list(range(400))
