"""Who reads a little does not wait for who reads much."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import apsw

from papertape.store.readers import Readers

_ONE = "SELECT 1"


@contextmanager
def busy_readers(path: Path) -> Iterator[Readers]:
    """Return readers of which every one that long queries may have is at work in another thread."""
    with closing(apsw.Connection(str(path))) as database:
        database.execute("CREATE TABLE t (a)")
    begun, over = threading.Semaphore(0), threading.Event()
    with closing(Readers(path, size=2)) as readers, ThreadPoolExecutor(2) as threads:

        def read() -> None:
            with readers._connection():  # noqa: SLF001  no query of a test lasts as long as the test wants
                begun.release()
                over.wait(30.0)

        for _ in range(2):
            threads.submit(read)
        try:
            assert all(begun.acquire(timeout=30) for _ in range(2))
            yield readers
        finally:
            over.set()


def test_the_thread_that_made_the_readers_does_not_wait_for_long_queries(tmp_path: Path) -> None:
    with busy_readers(tmp_path / "journal.sqlite3") as readers:
        assert readers.rows(_ONE, {}) == [(1,)]


def test_a_short_query_of_another_thread_does_not_wait_either(tmp_path: Path) -> None:
    with busy_readers(tmp_path / "journal.sqlite3") as readers, ThreadPoolExecutor(1) as thread:
        assert thread.submit(readers.rows, _ONE, {}, is_short=True).result(timeout=30) == [(1,)]
