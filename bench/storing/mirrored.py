"""The copy in QuestDB: does it hold a steady market, when are facts visible in it, and how fast does it catch up?"""

from __future__ import annotations

import threading
import time

from papertape.store.questdb.address import QuestAddress
from papertape.store.questdb.mirror import QuestMirror
from papertape.store.sqlite import SqliteStore
from papertape.testkit.questdb_server import execute, wait_until_applied
from storing.market import TICKS_A_COMMIT, TICKS_A_SECOND, Market, milliseconds

POLL_S = 0.01
CATCH_UP_S = 600.0
QUEUED = 5_000
COMMITS_A_SECOND = TICKS_A_SECOND / TICKS_A_COMMIT
HELD_S = 2.0
"""A market is held when the journal takes it, and no more than so many seconds of it wait for the copy at the end."""


class _Seen:
    """When facts became durable here and visible there, by their seq."""

    def __init__(self, address: QuestAddress) -> None:
        self.durable: dict[int, float] = {}
        self.visible: dict[int, float] = {}
        self._address = address
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._poll)
        self._thread.start()

    def _poll(self) -> None:
        shown = 0
        while not self._done.wait(POLL_S):
            newest = execute(self._address, "SELECT max(seq) FROM signals")[0][0] or 0
            now = time.perf_counter()
            self.visible.update(dict.fromkeys(range(shown + 1, newest + 1), now))
            shown = max(shown, newest)

    def close(self, last: int) -> list[float]:
        """Wait until the last fact is visible and return all delays."""
        until = time.monotonic() + CATCH_UP_S
        while last not in self.visible and time.monotonic() < until:
            time.sleep(POLL_S)  # what becomes visible there tells nobody: it is asked for
        self._done.set()
        self._thread.join()
        return [self.visible[seq] - at for seq, at in self.durable.items() if seq in self.visible]


def measure_steady(
    store: SqliteStore, mirror: QuestMirror, address: QuestAddress, market: Market, seconds: float
) -> dict[str, object]:
    """Submit 3,000 ticks a second and watch the copy."""
    seen = _Seen(address)
    waiting: list[int] = []
    commits = market.commits(int(seconds * TICKS_A_SECOND))
    started = time.perf_counter()
    for index, commit in enumerate(commits):
        due = started + index * TICKS_A_COMMIT / TICKS_A_SECOND
        time.sleep(max(0.0, due - time.perf_counter()))  # ticks come at a fixed rate

        def on_durable(
            error: BaseException | None, seqs: tuple[int, ...] = tuple(e.seq for e in commit.events)
        ) -> None:
            if error is not None:
                raise error
            seen.durable.update(dict.fromkeys(seqs, time.perf_counter()))

        store.submit(commit, on_durable)
        if index % 20 == 0:
            waiting.append(mirror.status().waiting_rows)
    elapsed = time.perf_counter() - started
    delays = seen.close(market.signals)
    return {
        "ticks_per_s": round(market.ticks / elapsed),
        "is_held": market.ticks / elapsed > 0.98 * TICKS_A_SECOND and waiting[-1] <= HELD_S * COMMITS_A_SECOND,
        "last_waiting_journal_rows": waiting[-1],
        "worst_waiting_journal_rows": max(waiting),
        "commit_to_visible": {
            "facts": len(delays),
            "p50_ms": milliseconds(delays, 0.5),
            "p99_ms": milliseconds(delays, 0.99),
        },
    }


def fill(
    store: SqliteStore, mirror: QuestMirror, address: QuestAddress, market: Market, ticks: int
) -> dict[str, object]:
    """Write the rest of the session as fast as the journal takes it, and wait until the copy has it."""
    room = threading.Semaphore(QUEUED)
    before = market.ticks
    started = time.perf_counter()
    for commit in (*market.commits(ticks), market.row(2, "stopped")):
        room.acquire()
        store.submit(commit, lambda _error: room.release())
    for _ in range(QUEUED):
        room.acquire()
    durable_s = time.perf_counter() - started
    until = time.monotonic() + CATCH_UP_S
    while execute(address, "SELECT count() FROM sessions WHERE revision = 2")[0][0] == 0 or _behind(address, market):
        if time.monotonic() > until:
            raise SystemExit(f"the copy did not catch up: {mirror.status().detail}")
        time.sleep(0.1)  # what becomes visible there tells nobody: it is asked for
    wait_until_applied(address, CATCH_UP_S)
    caught_up_s = time.perf_counter() - started
    added = market.ticks - before
    return {
        "ticks": added,
        "journal_ticks_per_s": round(added / durable_s) if added else None,
        "copy_ticks_per_s": round(added / caught_up_s) if added else None,
    }


def _behind(address: QuestAddress, market: Market) -> bool:
    found = execute(address, "SELECT count() FROM trades")[0][0] + execute(address, "SELECT count() FROM quotes")[0][0]
    return bool(found < market.ticks)
