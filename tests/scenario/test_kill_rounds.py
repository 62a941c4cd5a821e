"""kill -9 under load, again and again on one folder: what was acknowledged is there, and seq has no hole.

`PAPERTAPE_KILL_ROUNDS` sets the rounds on each store (5), `PAPERTAPE_KILL_SEED` the moments (1); a summary is printed.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import pytest

from papertape.model.tables import (
    BARS,
    EVENT_TABLES,
    INDICATOR_VALUES,
    MIRRORED_TABLES,
    QUOTES,
    SAMPLES,
    SESSIONS,
    TRADES,
    Table,
)
from papertape.session.clock import wall_clock
from papertape.store.folder import open_folder
from papertape.store.history import SqliteHistory, open_history
from papertape.store.inspection import find_faults
from papertape.store.market_rows import market_rows, sample_rows
from papertape.store.questdb.address import QuestAddress
from papertape.store.questdb.mirror import open_mirror
from papertape.store.rows import Row, samples_of
from papertape.store.schema import CODECS
from papertape.store.segments.sealer import Sealer
from papertape.store.sqlite import SqliteStore, open_store
from papertape.testkit.journal_load import copied_rows, sorted_rows
from papertape.testkit.killed_store import INSTRUMENTS, POLICY
from papertape.testkit.processes import DeskProcess
from papertape.testkit.questdb_server import QuestServer, wait_until_applied
from papertape.testkit.store_contract import SESSION

ROUNDS = int(os.environ.get("PAPERTAPE_KILL_ROUNDS", "5"))
SEED = int(os.environ.get("PAPERTAPE_KILL_SEED", "1"))
MOST_LINES = 400
LONGEST_START_S = 0.6
COPIED_WITHIN_S = 60.0


class Reached(msgspec.Struct, frozen=True):
    """How far a journal got: the last entry and fact, the last sampled entry, the revision of the session's row."""

    entry: int = 0
    fact: int = 0
    sample: int = 0
    revision: int = 0


def kill_while_writing(folder: Path, seed: int, store: str) -> list[Reached]:
    """Run a round and return what was acknowledged, in the order it was said."""
    chance = random.Random(seed)
    command = [sys.executable, "-m", "papertape.testkit.killed_store", str(folder), str(seed), store]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        lines: list[str] = []
        try:
            if chance.random() < 0.2:  # while it opens, or a moment after
                with pytest.raises(subprocess.TimeoutExpired):
                    child.wait(timeout=chance.uniform(0, LONGEST_START_S))
            else:
                lines = [child.stdout.readline() for _ in range(chance.randint(1, MOST_LINES))]
                assert all(lines), f"the store ended by itself after {len(lines)} lines"
        finally:
            child.kill()
        lines += child.stdout.readlines()
    said = [line.split() for line in lines if line.endswith("\n") and line != "open\n"]
    assert [words for words in said if words[0] == "failed"] == []
    return [Reached(*map(int, words)) for words in said]


@contextmanager
def opened(path: Path) -> Iterator[SqliteStore]:
    folder = open_folder(path)
    try:
        with closing(open_store(folder, wall_clock)) as store:
            yield store
    finally:
        folder.close()


def check(store: SqliteHistory, before: Reached, session_id: str = SESSION) -> Reached:
    """Assert that everything after `before` is whole, and return how far it goes."""
    entry = before.entry
    for batch in store.batches(session_id, after_seq=before.entry):
        assert batch.first_seq == entry + 1, "a hole on the tape"
        entry = batch.last_seq
    assert entry == store.last_entry_seq(session_id)
    facts = sorted(
        (fact for table in EVENT_TABLES for fact in store.events(table, session_id, after=before.fact, limit=10**6)),
        key=lambda fact: int(fact.seq),
    )
    assert [fact.seq for fact in facts] == list(range(before.fact + 1, before.fact + 1 + len(facts))), "a hole in facts"
    assert [fact.seq for fact in facts if fact.entry_seq > entry] == [], "facts before their entries"
    samples = [row.entry_seq for row in store.records(SAMPLES, session_id)]
    assert [seq for seq in samples if seq > entry] == [], "samples before their entries"
    row = store.session(session_id)
    return Reached(entry, before.fact + len(facts), max(samples, default=0), 0 if row is None else row.revision)


def lost(acknowledged: Reached, found: Reached) -> int:
    """Return how many rows were acknowledged and are not there."""
    said, kept = msgspec.structs.astuple(acknowledged), msgspec.structs.astuple(found)
    return sum(max(0, before - now) for before, now in zip(said, kept, strict=True))


def run_rounds(folder: Path, store: str) -> Reached:
    reached, acknowledged, missing = Reached(), 0, 0
    for number in range(ROUNDS):
        said = kill_while_writing(folder, SEED * 10_000 + number, store)
        acknowledged += len(said)
        with opened(folder) as journal:
            found = check(journal, reached)
        missing += lost(said[-1], found) if said else 0
        assert missing == 0, f"round {number}: acknowledged {said[-1]}, found {found}"
        reached = found
    with opened(folder) as journal:
        assert check(journal, Reached()) == reached
    assert find_faults(folder, is_deep=True) == []
    summary = {"store": store.partition(":")[0], "rounds": ROUNDS, "seed": SEED, "acknowledged_commits": acknowledged}
    sys.stdout.write(json.dumps({**summary, "lost": missing, **msgspec.structs.asdict(reached)}) + "\n")
    assert acknowledged > 0
    return reached


def test_a_killed_journal_keeps_every_acknowledged_row(tmp_path: Path) -> None:
    reached = run_rounds(tmp_path, "sqlite")
    with opened(tmp_path) as store, closing(Sealer(store, wall_clock, POLICY)) as sealer:
        sealer.sweep()  # what a kill left half made
        assert sealer.seal_now().failures == ()
        assert check(store, Reached()) == reached
        assert reached.entry < 2 * POLICY.segment_entries or store.segments.of_session(SESSION), "nothing was sealed"


def rows_expected(store: SqliteStore) -> dict[str, list[Row]]:
    """Return what a copy of a journal must show, table by table."""
    expected: dict[str, list[Row]] = {table.name: [] for table in MIRRORED_TABLES}

    def add(table: Table, records: Iterable[msgspec.Struct]) -> None:
        expected[table.name].extend(CODECS[table.name].encode(SESSION, record) for record in records)

    for table in (SESSIONS, *EVENT_TABLES):
        add(table, store.records(table, SESSION))
    for batch in store.batches(SESSION):
        trades, quotes = market_rows(SESSION, batch, INSTRUMENTS)
        add(TRADES, trades)
        add(QUOTES, quotes)
    for row in store.records(SAMPLES, SESSION):
        bars, values = sample_rows(SESSION, samples_of(row))
        add(BARS, bars)
        add(INDICATOR_VALUES, values)
    return expected


def wait_until_copied(store: SqliteStore, address: QuestAddress) -> None:
    mirror = open_mirror(address, store, wall_clock)
    mirror.start()
    try:
        outbox, deadline = store.outbox(address.location), time.monotonic() + COPIED_WITHIN_S
        while waiting := _waiting(outbox.newest_places(), {k: m.acknowledged for k, m in outbox.watermarks().items()}):
            assert time.monotonic() < deadline, f"rows wait: {waiting}; {mirror.status().detail}"
            time.sleep(0.05)
    finally:
        mirror.close()
    wait_until_applied(address)


def _waiting(newest: dict[str, int], acknowledged: dict[str, int]) -> dict[str, int]:
    waiting = {source: place - acknowledged.get(source, 0) for source, place in newest.items()}
    return {source: rows for source, rows in waiting.items() if rows > 0}


def assert_equal_copy(store: SqliteStore, address: QuestAddress) -> None:
    expected = rows_expected(store)
    for table in MIRRORED_TABLES:
        found = copied_rows(address, table)
        keys = {_key(table, row) for row in found}
        assert (table.name, len(found), len(keys)) == (table.name, len(expected[table.name]), len(found))
        assert sorted_rows(_plain(found)) == sorted_rows(_plain(expected[table.name])), f"{table.name} differs"


def _key(table: Table, row: Row) -> tuple[object, ...]:
    names = [column.name for column in CODECS[table.name].columns]
    return tuple(row[names.index(name)] for name in (table.time, *table.key))


def _plain(rows: list[Row]) -> list[Row]:
    return [tuple(int(value) if isinstance(value, bool) else value for value in row) for row in rows]


def test_a_killed_desk_with_a_copy_loses_nothing_in_either(tmp_path: Path, quest_server: QuestServer) -> None:
    folder = tmp_path / "data"
    run_rounds(folder, quest_server.store)
    with opened(folder) as store:
        wait_until_copied(store, quest_server.address)
        assert_equal_copy(store, quest_server.address)


DESK_ROUNDS = min(ROUNDS, 2)
DESK_WITHIN_S = 90.0


def journal_reaches(data_dir: Path, session_id: str, entries: int) -> None:
    deadline = time.monotonic() + DESK_WITHIN_S
    with closing(open_history(data_dir / "papertape.sqlite3")) as history:
        while (reached := history.last_entry_seq(session_id)) < entries:
            assert time.monotonic() < deadline, f"the session is at entry {reached}, expected {entries}"
            time.sleep(0.05)


def session_runs(desk: DeskProcess, session_id: str) -> None:
    deadline = time.monotonic() + DESK_WITHIN_S
    while True:
        (row,) = desk.get("/api/sessions")["items"]
        assert row["session_id"] == session_id
        if row["state"] == "running":
            return
        assert time.monotonic() < deadline, f"the session is {row['state']}: {row['reason']}"
        time.sleep(0.05)


def test_a_killed_desk_goes_on_with_its_session(tmp_path: Path) -> None:
    data_dir, chance, reached = tmp_path / "data", random.Random(SEED), Reached()
    desk = DeskProcess(data_dir, "--feed", "simulated")
    try:
        (session,) = desk.get("/api/sessions")["items"]
        session_id = session["session_id"]
        for number in range(DESK_ROUNDS + 1):
            session_runs(desk, session_id)
            with closing(open_history(data_dir / "papertape.sqlite3")) as history:
                now = history.last_entry_seq(session_id)
            journal_reaches(data_dir, session_id, now + chance.randint(100, 500))
            desk.end(signal.SIGINT if number == DESK_ROUNDS else signal.SIGKILL)
            with closing(open_history(data_dir / "papertape.sqlite3")) as history:
                assert check(history, Reached(), session_id).entry > reached.entry
                reached = check(history, reached, session_id)
            assert find_faults(data_dir, is_deep=True) == []
            if number < DESK_ROUNDS:
                desk.start()
    finally:
        desk.end(signal.SIGKILL)
    sys.stdout.write(json.dumps({"desk": "simulated", "rounds": DESK_ROUNDS, **msgspec.structs.asdict(reached)}) + "\n")
    assert min(reached.fact, reached.sample) > 0
