"""Pytest fixtures: a QuestDB shared by the run, emptied before each test, and one of a test's own for faults.

Neither is ever skipped: where the server or its Java is missing, the test fails with the command that fetches them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from papertape.store.questdb.address import QuestAddress
from papertape.testkit.questdb_server import QuestServer, drop_tables, quest_server_at


@pytest.fixture(scope="session")
def quest_of_the_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QuestServer]:
    """Start the server that the tests of a run share."""
    with quest_server_at(tmp_path_factory.mktemp("questdb"), is_brief=True) as server:
        yield server


@pytest.fixture
def quest(quest_of_the_run: QuestServer) -> QuestAddress:
    """Return the address of the shared server, without any table."""
    drop_tables(quest_of_the_run.address)
    return quest_of_the_run.address


@pytest.fixture
def quest_server(tmp_path: Path) -> Iterator[QuestServer]:
    """Return a running server of the test's own, to be killed, frozen, limited, or to have its tables suspended."""
    with quest_server_at(tmp_path / "questdb", is_brief=True, dev_mode_enabled="true") as server:
        yield server
