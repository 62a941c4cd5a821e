"""`papertape store`: what it prints, and with which exit status."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from pathlib import Path

import apsw
import pytest
from typer.testing import CliRunner

from papertape.cli.main import main
from papertape.cli.store import app
from papertape.errors import Conflict, Invalid, NotFound
from papertape.journal.ports import Commit
from papertape.store.folder import open_folder
from papertape.store.history import open_history
from papertape.store.sqlite import open_store
from papertape.testkit.questdb_server import free_address
from papertape.testkit.store_contract import SESSION, session_row, signal, ticks, write

run = CliRunner()


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    folder = open_folder(tmp_path / "data")
    with closing(open_store(folder, lambda: 0)) as store:
        row = session_row(SESSION, 1, state="stopped", updated_ts=1_766_854_702_000_000)
        write(store, Commit(session_id=SESSION, batch=ticks(1, 9), events=(signal(1),), row=row))
    folder.close()
    return tmp_path / "data"


def change(data_dir: Path, statement: str) -> None:
    with closing(apsw.Connection(str(data_dir / "papertape.sqlite3"))) as connection:
        connection.execute(statement).fetchall()


def said(*words: str | Path, status: int = 0) -> str:
    """Run a command and return what it printed; an error is raised."""
    result = run.invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == status, result.output
    return result.output


def test_the_status_says_what_is_kept(data_dir: Path) -> None:
    output = said("status", "--data-dir", data_dir)
    for expected in (
        "data folder version 2",
        "9 entries",
        "1 stopped",
        "1970-01-01 00:00:01 UTC to 2025-12-27",
        "tape",
    ):
        assert expected in output
    found = json.loads(said("status", "--data-dir", data_dir, "--json"))
    assert (found["journal"]["entries"], found["journal"]["rows"]["signals"], found["mirror"]) == (9, 1, None)


def test_the_status_of_a_running_desk_is_shown(data_dir: Path) -> None:
    folder = open_folder(data_dir)
    with closing(open_store(folder, lambda: 0)) as store:
        write(store, Commit(session_id=SESSION, batch=ticks(10, 20)))
        assert json.loads(said("status", "--data-dir", data_dir, "--json"))["journal"]["entries"] == 20
    folder.close()


def test_the_status_says_why_a_copy_cannot_be_asked_and_what_waits(data_dir: Path) -> None:
    address = free_address()
    store = f"questdb://admin:secret@{address.host}:{address.http_port}"
    output = said("status", "--data-dir", data_dir, "--store", store)
    assert "does not answer" in output
    assert "secret" not in output
    assert "waiting 1 of sessions, 1 of signals, 1 of tape" in output


def test_a_folder_that_fits_is_said_to_be_well(data_dir: Path) -> None:
    assert said("verify", "--data-dir", data_dir) == "All is well: the tables fit this version of papertape.\n"
    assert said("verify", "--data-dir", data_dir, "--deep") == "All is well: everything was read and fits.\n"
    assert json.loads(said("verify", "--data-dir", data_dir, "--json")) == []


def test_each_finding_is_a_sentence_and_nothing_is_changed(data_dir: Path) -> None:
    change(data_dir, "ALTER TABLE signals DROP COLUMN side")
    change(data_dir, "UPDATE tape SET payload = x'00'")
    for _ in range(2):
        (finding,) = said("verify", "--data-dir", data_dir, status=1).splitlines()
        assert finding.endswith('`papertape store migrate` runs: ALTER TABLE "signals" ADD COLUMN "side" TEXT;')
        assert len(json.loads(said("verify", "--data-dir", data_dir, "--deep", "--json", status=1))) == 2


def test_an_unanswering_questdb_is_a_finding(data_dir: Path) -> None:
    address = free_address()
    (finding,) = said(
        "verify", "--data-dir", data_dir, "--store", f"questdb://a:b@{address.host}:{address.http_port}", status=1
    ).splitlines()
    assert "does not answer" in finding


def test_a_migration_is_said_with_its_copy_and_then_there_is_nothing_to_do(data_dir: Path) -> None:
    change(data_dir, "ALTER TABLE signals DROP COLUMN side")
    assert said("migrate", "--data-dir", data_dir).splitlines() == [
        f"1 change was made to the journal for this version of papertape; it was copied to "
        f"{data_dir / 'backups' / 'journal-1.sqlite3'} before.",
        '  ALTER TABLE "signals" ADD COLUMN "side" TEXT;',
    ]
    assert said("migrate", "--data-dir", data_dir) == "Nothing had to be changed.\n"


@pytest.mark.parametrize("command", ["migrate", "seal", "restore"])
def test_what_writes_is_refused_beside_a_desk(data_dir: Path, tmp_path: Path, command: str) -> None:
    said("backup", tmp_path / "b.tar.zst", "--data-dir", data_dir)
    arguments = [command, *([str(tmp_path / "b.tar.zst")] if command == "restore" else []), "--data-dir", str(data_dir)]
    folder = open_folder(data_dir)
    with pytest.raises(Conflict, match="used by another papertape desk"):
        said(*arguments)
    folder.close()


def test_a_backup_is_restored_into_another_folder(data_dir: Path, tmp_path: Path) -> None:
    assert said("backup", tmp_path / "b.tar.zst", "--data-dir", data_dir).startswith(
        f"{tmp_path / 'b.tar.zst'} holds 2 files, "
    )
    assert "is as it was at 20" in said("restore", tmp_path / "b.tar.zst", "--data-dir", tmp_path / "other")
    with closing(open_history(tmp_path / "other" / "papertape.sqlite3")) as history:
        assert history.last_entry_seq(SESSION) == 9
    assert "What was there before lies in" in said("restore", tmp_path / "b.tar.zst", "--data-dir", data_dir)


def test_a_backup_without_a_name_gets_a_dated_one(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said("backup", "--data-dir", data_dir)
    assert len(list(tmp_path.glob("papertape-20*.tar.zst"))) == 1


def test_sealing_says_what_was_done(data_dir: Path) -> None:
    assert said("seal", "--data-dir", data_dir) == "Files: 0 sealed, 0 merged, 0 removed.\n"


@pytest.mark.parametrize("command", ["status", "verify", "migrate", "seal", "backup"])
def test_a_folder_without_a_journal_is_no_folder_of_a_desk(tmp_path: Path, command: str) -> None:
    with pytest.raises(NotFound, match="There is no journal"):
        said(command, "--data-dir", tmp_path / "none")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("command", ["resume", "fill"])
def test_without_an_address_there_is_no_copy_to_speak_to(command: str) -> None:
    with pytest.raises(Invalid, match="give its address with --store questdb://"):
        said(command, "--store", "sqlite")


def test_a_failure_is_one_sentence_and_a_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["papertape", "store", "restore", str(tmp_path / "none")])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "There is no file" in capsys.readouterr().err
