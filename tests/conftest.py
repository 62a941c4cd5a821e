"""Fixtures that tests of every folder may ask for."""

from papertape.testkit.questdb_fixtures import quest as quest
from papertape.testkit.questdb_fixtures import quest_of_the_run as quest_of_the_run
from papertape.testkit.questdb_fixtures import quest_server as quest_server
