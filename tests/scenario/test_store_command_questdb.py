"""`papertape store` with a copy in a real QuestDB: verify changes nothing, migrate does, resume and fill mend."""

from __future__ import annotations

import json
import time
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from papertape.cli.store import app
from papertape.model.tables import MIRRORED_TABLES
from papertape.session.clock import wall_clock
from papertape.store.folder import open_folder
from papertape.store.questdb.address import QuestAddress
from papertape.store.questdb.mirror import open_mirror
from papertape.store.sqlite import open_store
from papertape.testkit.journal_load import JournalLoad, assert_copied
from papertape.testkit.killed_store import START_US
from papertape.testkit.questdb_server import QuestServer, execute, store_option

run = CliRunner()
COPIED_WITHIN_S = 30.0


def said(*words: str | Path, status: int = 0) -> str:
    result = run.invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == status, result.output
    return result.output


@pytest.fixture
def load(tmp_path: Path) -> JournalLoad:
    """What was written to the journal in `tmp_path / "data"`."""
    load = JournalLoad(START_US)
    folder = open_folder(tmp_path / "data")
    with closing(open_store(folder, wall_clock)) as store:
        load.write(store, 30)
    folder.close()
    return load


def copy(data_dir: Path, address: QuestAddress) -> None:
    """Let a desk's mirror run until nothing waits."""
    folder = open_folder(data_dir)
    with (
        closing(open_store(folder, wall_clock)) as store,
        closing(open_mirror(address, store, wall_clock)) as mirror,
    ):
        mirror.start()
        deadline = time.monotonic() + COPIED_WITHIN_S
        while mirror.status().waiting_rows or not mirror.status().rows_total:
            assert time.monotonic() < deadline, mirror.status().detail
            time.sleep(0.05)
    folder.close()


def waiting(options: tuple[str | Path, ...]) -> int:
    return sum(json.loads(said("status", *options, "--json"))["mirror"]["waiting"].values())


def test_the_commands_see_and_mend_a_copy(tmp_path: Path, quest_server: QuestServer, load: JournalLoad) -> None:
    options = ("--data-dir", tmp_path / "data", "--store", quest_server.store)
    for _ in range(2):  # looking creates nothing
        findings = said("verify", *options, status=1).splitlines()
        assert len(findings) == len(MIRRORED_TABLES)
        assert all("`papertape store migrate`" in finding and "CREATE TABLE" in finding for finding in findings)
    assert said("migrate", *options).count("On the QuestDB was run: CREATE TABLE") == len(MIRRORED_TABLES)
    assert said("verify", *options) == "All is well: the tables fit this version of papertape.\n"
    assert waiting(options) > 0

    copy(tmp_path / "data", quest_server.address)
    assert_copied(quest_server.address, load)
    assert waiting(options) == 0
    assert f"QuestDB {quest_server.runtime.version}" in said("status", *options)

    quest_server.execute("ALTER TABLE signals SUSPEND WAL")
    assert "`papertape store resume` lets the suspended tables go on" in said("status", *options)
    assert said("resume", "--store", quest_server.store) == "Resumed: signals.\n"
    assert said("resume", "--store", quest_server.store) == "No table is suspended.\n"

    assert quest_server.address.location in said("fill", *options)
    assert waiting(options) > 0
    copy(tmp_path / "data", quest_server.address)
    assert_copied(quest_server.address, load)  # sent twice, there once


def test_a_table_that_migrate_had_to_create_is_filled_again(
    tmp_path: Path, quest: QuestAddress, load: JournalLoad
) -> None:
    options = ("--data-dir", tmp_path / "data", "--store", store_option(quest))
    copy(tmp_path / "data", quest)
    execute(quest, "DROP TABLE quotes")
    assert "quotes" in said("migrate", *options)
    assert waiting(options) > 0
    copy(tmp_path / "data", quest)
    assert_copied(quest, load)


def test_a_wrong_password_is_a_finding_without_the_password(
    tmp_path: Path, quest: QuestAddress, load: JournalLoad
) -> None:
    assert load
    store = f"questdb://{quest.user}:tellnobody@{quest.host}:{quest.http_port}?pg={quest.pg_port}"
    (finding,) = said("verify", "--data-dir", tmp_path / "data", "--store", store, status=1).splitlines()
    assert "password" in finding
    assert "tellnobody" not in finding
