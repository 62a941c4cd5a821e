"""The store's contract on the fake, on SQLite, and on SQLite whose tape is sealed all the time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest

from papertape.journal.ports import Commit
from papertape.model.entries import Batch
from papertape.store.folder import open_folder
from papertape.store.segments.sealer import Sealer, SealPolicy
from papertape.store.segments.work import carry_out
from papertape.store.sqlite import SqliteStore, open_store
from papertape.testkit.memory_store import MemoryStore
from papertape.testkit.store_contract import SESSION, Store, StoreContract, ticks, write


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> Iterator[Store]:
        store = MemoryStore(count(1_000_000, 1_000).__next__)
        yield store
        store.close()


class TestSqliteStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        folder = open_folder(tmp_path / "data")
        store = open_store(folder, count(1_000_000, 1_000).__next__)
        yield store
        store.close()
        folder.close()


class _SealedStore:
    """Seals all that may be sealed, batch by batch, before the tape is read and after its first page."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        policy = SealPolicy(segment_entries=1, live_entries=0)
        self.sealer = Sealer(store, lambda: 1, policy, work=carry_out)

    def __getattr__(self, name: str) -> Any:  # Any: whatever the store has of that name
        return getattr(self._store, name)

    def batches(self, session_id: str, *, after_seq: int = 0) -> Iterator[Batch]:
        reading = self._store.batches(session_id, after_seq=after_seq)
        first = next(reading, None)
        assert self.sealer.seal_now().failures == ()
        if first is not None:
            yield first
            yield from reading

    def last_entry_seq(self, session_id: str) -> int:
        assert self.sealer.seal_now().failures == ()
        return self._store.last_entry_seq(session_id)


class TestSealedStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        folder = open_folder(tmp_path / "data")
        store = open_store(folder, count(1_000_000, 1_000).__next__)
        sealed = _SealedStore(store)
        yield cast("Store", sealed)
        sealed.sealer.close()
        store.close()
        folder.close()

    def test_the_tape_is_sealed_while_it_is_read(self, store: Store) -> None:
        batches = [ticks(2 * index + 1, 2 * index + 2) for index in range(5)]
        write(store, *(Commit(session_id=SESSION, batch=batch) for batch in batches))
        assert [list(store.batches(SESSION)) for _ in range(2)] == [batches, batches]
        segments = cast("SqliteStore", store).segments.of_session(SESSION)
        assert [(row.first_seq, row.last_seq) for row in segments] == [(1, 2), (3, 4), (5, 6)]
