"""Every command of the guide works as written, and what is asked wrongly is answered in a sentence."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from papertape.cli.main import app
from papertape.errors import Conflict, Invalid, NotFound, PapertapeError
from papertape.store.folder import open_folder
from papertape.testkit.stored_session import STORED_ID, StoredSession

GUIDE = Path(__file__).resolve().parents[3] / "docs/guides/import-export.md"
run = CliRunner()


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "data"
    session = StoredSession(path)
    session.play(12)
    session.end()
    monkeypatch.setenv("PAPERTAPE_DATA_DIR", str(path))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return path


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def refusal(*words: str) -> PapertapeError:
    error = run.invoke(app, list(words)).exception
    assert isinstance(error, PapertapeError), error
    return error


def test_every_command_of_the_guide_works_as_written(tmp_path: Path) -> None:
    for command in commands():
        words = shlex.split(command)[1:]
        if words[0] == "record":  # tried with a market in tests/scenario/test_record.py
            assert run.invoke(app, ["record", "--help"]).exit_code == 0
            continue
        done = run.invoke(app, words)
        assert done.exit_code == 0, f"{command}: {done.output} {done.exception}"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "bars.csv", "data", "elsewhere", "fills.csv", "home", "mine.papertape", "quotes.parquet", "recording",
        "trades.csv", "values.parquet",
    ]  # fmt: skip
    assert "identical" in run.invoke(app, ["replay", STORED_ID, "--data-dir", "elsewhere"]).output


def test_what_was_written_is_told_as_json() -> None:
    exported = json.loads(run.invoke(app, ["export", "trades", STORED_ID, "trades.csv", "--json"]).stdout)
    assert (exported["rows"], exported["kind"], exported["format"]) == (96, "trades", "csv")
    bundled = json.loads(run.invoke(app, ["export", "session", STORED_ID, "one.papertape", "--json"]).stdout)
    taken = json.loads(run.invoke(app, ["import", "session", "one.papertape", "--data-dir", "there", "--json"]).stdout)
    assert {**bundled, "file": taken["file"]} == taken


@pytest.mark.parametrize(
    "words",
    [
        ("export", "trades", "exec_20251227_170000_00000000", "trades.csv"),
        ("export", "session", "exec_20251227_170000_00000000", "one.papertape"),
        ("replay", "exec_20251227_170000_00000000"),
        ("backtest", "--data", "session:exec_20251227_170000_00000000", "--strategy", "flash-pump-long"),
    ],
)
def test_an_unknown_session_is_answered_with_the_newest_ones(words: tuple[str, ...]) -> None:
    error = refusal(*words)
    assert (type(error), error.code) == (NotFound, "session.unknown")
    assert error.message.endswith(f"its newest are {STORED_ID} (PAPER, stopped).")


def test_a_folder_in_use_takes_no_session(data_dir: Path) -> None:
    assert run.invoke(app, ["export", "session", STORED_ID, "one.papertape"]).exit_code == 0
    desk = open_folder(data_dir)
    try:
        error = refusal("import", "session", "one.papertape")
        assert run.invoke(app, ["export", "fills", STORED_ID, "beside-a-desk.csv"]).exit_code == 0
    finally:
        desk.close()
    assert (type(error), error.code) == (Conflict, "folder.locked")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--instrument", "btc"), "'btc' is not an instrument id"),
        (("--instrument", "ABCUSDT-PERP.TEST", "--column", "price"), "'price' names no column"),
        (("--instrument", "ABCUSDT-PERP.TEST", "--unit", "days"), "There is no unit 'days'"),
        (("--instrument", "XYZUSDT.TEST"), "it holds no XYZUSDT.TEST; there are ABCUSDT-PERP.TEST, ABCUSDT.TEST"),
    ],
)
def test_a_wrong_option_of_an_import_is_refused_and_nothing_is_left(
    tmp_path: Path, options: tuple[str, ...], sentence: str
) -> None:
    assert run.invoke(app, ["export", "trades", STORED_ID, "trades.csv"]).exit_code == 0
    error = refusal("import", "trades", "trades.csv", "--out", "recording", *options)
    assert isinstance(error, Invalid)
    assert sentence in error.message
    assert not (tmp_path / "recording").exists()


def test_a_file_that_is_no_bundle_makes_no_data_folder(tmp_path: Path) -> None:
    assert run.invoke(app, ["export", "trades", STORED_ID, "trades.csv"]).exit_code == 0
    assert refusal("import", "session", "trades.csv", "--data-dir", "there").code == "bundle.damaged"
    assert not (tmp_path / "there").exists()


def test_columns_that_are_missing_are_named_beside_those_of_the_file_alone() -> None:
    assert run.invoke(app, ["export", "fills", STORED_ID, "fills.csv"]).exit_code == 0
    error = refusal("import", "bars", "fills.csv", "--instrument", "ABCUSDT.TEST", "--out", "recording")
    assert "no column for open" in error.message
    assert "; it has session_id, seq, ts" in error.message
    Path("empty.csv").touch()
    error = refusal("import", "bars", "empty.csv", "--instrument", "ABCUSDT.TEST", "--out", "recording")
    assert "; it has none at all. Say" in error.message


def test_the_same_file_is_imported_twice_only_when_asked() -> None:
    assert run.invoke(app, ["export", "trades", STORED_ID, "trades.csv"]).exit_code == 0
    words = ("import", "trades", "trades.csv", "--instrument", "ABCUSDT.TEST", "--out", "recording")
    assert run.invoke(app, list(words)).exit_code == 0
    assert refusal(*words).code == "export.exists"
    assert run.invoke(app, [*words, "--force"]).exit_code == 0
