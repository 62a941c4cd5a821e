"""How many facts become durable, one after the other and in groups: the journal's, and two plain alternatives'.

`single`: one fact a commit, each waited for. `group`: 2,000 commits a second for the given time, each with one fact
and 15 entries (30,000 entries a second), as bursts of a live market; latency from submit to acknowledgement.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import apsw
import msgspec

from papertape.journal.ports import Commit
from papertape.model.entries import Batch, Trade
from papertape.model.events import SignalFired
from papertape.store.folder import open_folder
from papertape.store.sqlite import SqliteStore, open_store

EVENTS_A_SECOND = 2_000
ENTRIES_A_COMMIT = 15
TICK_S = 0.005
ANSWER_WITHIN_S = 60.0


class Latencies:
    """Times from submit to acknowledgement."""

    def __init__(self, expected: int) -> None:
        self.seconds: list[float] = []
        self._expected = expected
        self._all_in = threading.Event()

    def submit(self, store: SqliteStore, commit: Commit) -> None:
        started = time.perf_counter()

        def on_durable(error: BaseException | None) -> None:
            if error is not None:
                raise error
            self.seconds.append(time.perf_counter() - started)
            if len(self.seconds) == self._expected:
                self._all_in.set()

        store.submit(commit, on_durable)

    def wait(self) -> None:
        if not self._all_in.wait(ANSWER_WITHIN_S):
            raise SystemExit(f"only {len(self.seconds)} of {self._expected} commits became durable")

    def milliseconds(self, share: float) -> float:
        ordered = sorted(self.seconds)
        return round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3)


def _signal(seq: int) -> SignalFired:
    return SignalFired(
        seq=seq,
        ts=seq,
        entry_seq=seq,
        strategy="pump-peak-short",
        instrument="BTCUSDT.BINANCE",
        section="S1",
        side="sell",
        price=61_800.2,
        outcome="accepted",
        reason="The price rose 3 % in 60 s.",
        trace=(),
    )


def _batch(first_seq: int) -> Batch:
    entries = tuple(
        Trade(
            ts=seq, recv_ts=seq, instrument="BTCUSDT.BINANCE", price=6_180_020, size=12, side="buy", trade_id=str(seq)
        )
        for seq in range(first_seq, first_seq + ENTRIES_A_COMMIT)
    )
    return Batch(first_seq=first_seq, entries=entries)


def measure_single(store: SqliteStore, seconds: float) -> dict[str, float]:
    """Return how many single facts a second become durable, one after the other."""
    answered: list[float] = []
    started = time.perf_counter()
    while time.perf_counter() - started < seconds:
        one = Latencies(1)
        one.submit(store, Commit(session_id="single", batch=None, events=(_signal(len(answered) + 1),)))
        one.wait()
        answered.extend(one.seconds)
    elapsed = time.perf_counter() - started
    all_of_them = Latencies(0)
    all_of_them.seconds = answered
    return {
        "events_per_s": round(len(answered) / elapsed),
        "p50_ms": all_of_them.milliseconds(0.5),
        "p99_ms": all_of_them.milliseconds(0.99),
    }


def measure_group(store: SqliteStore, seconds: float) -> dict[str, float]:
    """Return the latency of group commits at a fixed rate."""
    total = int(seconds * EVENTS_A_SECOND)
    latencies = Latencies(total)
    commits = [
        Commit(session_id="group", batch=_batch(ENTRIES_A_COMMIT * index + 1), events=(_signal(index + 1),))
        for index in range(total)
    ]
    started = time.perf_counter()
    submitted = 0
    while submitted < total:
        due = min(total, int((time.perf_counter() - started) * EVENTS_A_SECOND) + 1)
        for commit in commits[submitted:due]:
            latencies.submit(store, commit)
        submitted = due
        time.sleep(TICK_S)  # bursts at a fixed rate, as a live market's
    latencies.wait()
    elapsed = time.perf_counter() - started
    return {
        "events_per_s": round(total / elapsed),
        "entries_per_s": round(total * ENTRIES_A_COMMIT / elapsed),
        "p50_ms": latencies.milliseconds(0.5),
        "p99_ms": latencies.milliseconds(0.99),
        "worst_ms": latencies.milliseconds(1.0),
    }


def measure_plain(path: Path, seconds: float) -> dict[str, dict[str, float]]:
    """Return how many facts a second plain SQLite, and a plain file, make durable one after the other."""
    connection = apsw.Connection(str(path / "plain.db"))
    connection.execute("PRAGMA journal_mode = WAL").fetchall()
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE signals (seq INTEGER PRIMARY KEY, payload BLOB)")
    file = os.open(path / "plain.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def insert(seq: int, payload: bytes) -> None:
        connection.execute("INSERT INTO signals VALUES (?, ?)", (seq, payload))

    def append(_seq: int, payload: bytes) -> None:
        os.write(file, payload)
        os.fsync(file)

    try:
        return {
            "sqlite, one INSERT and COMMIT each (WAL, FULL)": _repeat(insert, seconds),
            "append to a file and fsync each": _repeat(append, seconds),
        }
    finally:
        connection.close()
        os.close(file)


def _repeat(write: Callable[[int, bytes], None], seconds: float) -> dict[str, float]:
    all_of_them = Latencies(0)
    started = time.perf_counter()
    while (now := time.perf_counter()) - started < seconds:
        seq = len(all_of_them.seconds) + 1
        write(seq, msgspec.msgpack.encode(_signal(seq)))
        all_of_them.seconds.append(time.perf_counter() - now)
    return {
        "events_per_s": round(len(all_of_them.seconds) / (time.perf_counter() - started)),
        "p50_ms": all_of_them.milliseconds(0.5),
        "p99_ms": all_of_them.milliseconds(0.99),
    }


def measure_durable(path: Path, seconds: float) -> dict[str, object]:
    """Return all figures of a new journal in a folder, and of the plain alternatives on the same disk."""
    folder = open_folder(path / "durable")
    store = open_store(folder, lambda: time.time_ns() // 1000)
    figures: dict[str, object] = {
        "store": f"SQLite {apsw.sqlite_lib_version()}",
        "single": measure_single(store, seconds),
        "plain": measure_plain(path, seconds),
        "group": measure_group(store, seconds),
    }
    started = time.perf_counter()
    read = sum(len(batch.entries) for batch in store.batches("group"))
    figures["read_entries_per_s"] = round(read / (time.perf_counter() - started))
    store.close()
    folder.close()
    return figures
