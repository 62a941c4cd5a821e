"""The store's contract on the fake and on SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from papertape.store import open_folder, open_store
from papertape.testkit.memory_store import MemoryStore
from papertape.testkit.store_contract import Store, StoreContract


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
