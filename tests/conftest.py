"""Fixtures that tests of every folder may ask for, and the mark of those that need a QuestDB server."""

import pytest

from papertape.testkit.questdb_fixtures import quest as quest
from papertape.testkit.questdb_fixtures import quest_of_the_run as quest_of_the_run
from papertape.testkit.questdb_fixtures import quest_server as quest_server


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if {"quest_of_the_run", "quest_server"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.questdb)
