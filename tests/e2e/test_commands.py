"""The installed command beside `run`: every other command does what it says, on a desk or on recorded data."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from papertape.testkit.processes import DeskProcess, papertape_command
from papertape.testkit.shared_data import shared_data

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskProcess]:
    """A desk to command."""
    desk = DeskProcess(tmp_path_factory.mktemp("commands") / "data", "--feed", "simulated", "--no-demo")
    yield desk
    desk.end()


def say(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the installed command to its end."""
    environment = {**os.environ, "COLUMNS": "300", "NO_COLOR": "1", "HOME": str(folder)}
    return subprocess.run(
        [papertape_command(), *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=90,
    )  # fmt: skip


def answer(*arguments: str, folder: Path) -> Any:
    """Return what a command with `--json` printed."""
    said = say(*arguments, folder=folder)
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout)


def test_sessions_are_started_listed_shown_and_stopped_from_the_command_line(desk: DeskProcess, tmp_path: Path) -> None:
    at = ("--url", desk.url)
    started = answer(
        "session", "start", "--strategy", "ema-cross", "--symbol", "BTCUSDT.SIMULATED", *at, "--json", folder=tmp_path
    )
    session_id = started["session_id"]
    assert session_id in say("session", "list", *at, folder=tmp_path).stdout
    shown = answer("session", "show", session_id, *at, "--json", folder=tmp_path)
    assert [item["instrument"] for item in shown["state"]["instances"]] == ["BTCUSDT.SIMULATED"]
    assert answer("session", "stop", session_id, *at, "--json", folder=tmp_path)["state"] in ("stopping", "stopped")
    unknown = say("session", "show", "exec_none", *at, folder=tmp_path)
    assert (unknown.returncode, "exec_none" in unknown.stderr) == (2, True)


def test_a_session_command_without_a_desk_says_how_to_start_one(tmp_path: Path) -> None:
    said = say("session", "list", "--url", "http://127.0.0.1:9", folder=tmp_path)
    assert said.returncode == 1
    assert "papertape run" in said.stderr


def test_the_doctor_finds_a_free_folder_well_and_a_used_one_not(desk: DeskProcess, tmp_path: Path) -> None:
    closed = ("--venue-url", "binance=ws://127.0.0.1:9,http://127.0.0.1:9", "--port", "0", "--json")
    new = tmp_path / "new"
    without = answer("doctor", "--data-dir", str(new), *closed, folder=tmp_path)
    assert not new.exists(), "the doctor makes no folder"
    new.mkdir()
    findings = answer("doctor", "--data-dir", str(new), *closed, folder=tmp_path)
    well = {finding["name"]: finding["is_well"] for finding in findings}
    assert well == {
        "Python": True, "kernel": True, "dashboard": True, "port": True, "data folder": True, "store": True,
        "live exchange": False,
    }  # fmt: skip
    del well["store"]
    assert {finding["name"]: finding["is_well"] for finding in without} == well
    used = say("doctor", "--data-dir", str(desk.data_dir), *closed, folder=tmp_path)
    assert used.returncode == 1
    assert "is used by another papertape desk" in used.stdout


def test_a_valid_definition_is_told_apart_from_one_that_is_refused_with_the_place(tmp_path: Path) -> None:
    example = ROOT / "examples" / "strategies" / "ema-cross.yaml"
    assert "valid: ema-cross" in say("strategy", "validate", str(example), folder=tmp_path).stdout
    text = example.read_text()
    (tmp_path / "wrong.yaml").write_text(text.replace("threshold: 75", "threshold: high"))
    said = say("strategy", "validate", str(tmp_path / "wrong.yaml"), folder=tmp_path)
    assert said.returncode == 2
    assert "sections.Z1.conditions[0].threshold" in said.stderr


def test_an_indicator_is_computed_over_a_file_of_real_bars(tmp_path: Path) -> None:
    bars = shared_data("talib-on-crypto/coinbase_BTC-USD_4h_2024_talib.parquet")
    said = say(
        "indicators", "compute", "--kind", "rsi", "--param", "period=14", "--input", str(bars),
        "--output", str(tmp_path / "rsi.csv"), folder=tmp_path,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    rows = (tmp_path / "rsi.csv").read_text().splitlines()
    assert rows[0] == "ts,value"
    values = [float(row.partition(",")[2]) for row in rows[1:] if row.partition(",")[2]]
    assert len(values) > 1_000
    assert all(0 <= value <= 100 for value in values)


def test_a_backtest_over_recorded_frames_says_what_the_strategy_would_have_done(tmp_path: Path) -> None:
    frames = shared_data("binance-raw-ws-2024-08/raw/spot_ethusdt_20240808.gz")
    summary = answer(
        "backtest", "--data", str(frames), "--strategy", "ema-cross", "--capital", "5000", "--json", folder=tmp_path
    )
    named = ("strategies", "instruments", "profile", "initial_capital")
    assert {name: summary[name] for name in named} == {
        "strategies": ["ema-cross"],
        "instruments": ["ETHUSDT.BINANCE"],
        "profile": "standard",
        "initial_capital": "5000",
    }
    assert summary["entries"] > 30_000
