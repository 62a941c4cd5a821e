"""A session whose tape is sealed while it runs is resumed and replayed as one whose tape is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from papertape.model.entries import Batch
from papertape.model.tables import EVENT_TABLES
from papertape.session.recovery import restore
from papertape.store.folder import database_path
from papertape.store.history import open_history
from papertape.store.segments.sealer import Sealer, SealPolicy
from papertape.store.segments.work import carry_out
from papertape.store.sqlite import SqliteStore
from papertape.testkit.stored_session import STORED_ID, StoredSession


def _seal(store: SqliteStore) -> None:
    sealer = Sealer(store, lambda: 1, SealPolicy(segment_entries=60, live_entries=20), work=carry_out)
    assert sealer.seal_now().failures == ()
    sealer.close()


def _leave(_: SqliteStore) -> None:
    pass


def _run(path: Path, now_and_then: Callable[[SqliteStore], None]) -> None:
    session = StoredSession(path)
    session.warm_up(10)
    session.play(30)
    now_and_then(session.store)
    session.crash_and_resume()
    session.play(30)
    now_and_then(session.store)
    session.crash_and_resume()
    now_and_then(session.store)
    session.end()


def _left(path: Path) -> tuple[list[Batch], list[Any], list[Any], int]:
    history = open_history(database_path(path))
    row = history.session(STORED_ID)
    assert row is not None
    facts = [history.events(table, STORED_ID, limit=100_000) for table in EVENT_TABLES]
    replayed = restore(row, history)
    later = [entry for batch in history.batches(STORED_ID, after_seq=100) for entry in batch.entries]
    left = (list(history.batches(STORED_ID)), facts, [replayed.heads, replayed.late, later], replayed.durable_seq)
    history.close()
    return left


def test_a_session_sealed_while_it_runs_is_resumed_and_replayed_to_the_same(tmp_path: Path) -> None:
    _run(tmp_path / "plain", _leave)
    _run(tmp_path / "sealed", _seal)
    assert len(list((tmp_path / "sealed" / "segments").glob("*.parquet"))) > 5
    assert list((tmp_path / "plain" / "segments").glob("*.parquet")) == []
    assert _left(tmp_path / "sealed") == _left(tmp_path / "plain")
