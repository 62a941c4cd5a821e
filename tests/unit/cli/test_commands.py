import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from papertape.cli.main import app, main
from papertape.errors import Invalid

run = CliRunner()


def test_the_version_is_printed() -> None:
    assert run.invoke(app, ["--version"]).output.startswith("papertape ")


def test_a_valid_definition_is_said_to_be_valid(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "name: mine\nindicators: {spread: {kind: spread_pct}}\nsections:\n"
        "  S1: {conditions: [{indicator: spread, op: '<', threshold: 1}]}\n"
        "  Z1: {order: {side: long, size: {quote: 100}, stop_loss_pct: 1}}\n"
    )
    said = run.invoke(app, ["strategy", "validate", str(file)])
    assert (said.exit_code, said.output.startswith("valid: mine (SHA-256 ")) == (0, True)


def test_an_error_in_a_definition_names_its_path_and_exits_with_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text("name: wrong\nsections:\n  S1: {conditions: [{indicator: nothing, op: '<', threshold: 1}]}\n")
    monkeypatch.setattr("sys.argv", ["papertape", "strategy", "validate", str(file)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "sections" in capsys.readouterr().err


def test_a_sentence_with_brackets_is_printed_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["papertape", "strategy", "validate", str(tmp_path / "[bold]none.yaml")])
    with pytest.raises(SystemExit):
        main()
    assert "[bold]none.yaml" in capsys.readouterr().err


def test_every_command_is_listed_and_explains_itself() -> None:
    listed = run.invoke(app, ["--help"]).output
    for command in ("run", "session", "backtest", "replay", "strategy", "indicators", "doctor"):
        assert command in listed
        assert run.invoke(app, [command, "--help"]).exit_code == 0


def test_a_version_does_not_wait_for_the_server_to_be_imported() -> None:
    python = "import papertape.cli.main, sys; sys.exit(any(name in sys.modules for name in ('litestar', 'polars')))"
    assert subprocess.run([sys.executable, "-c", python], check=False).returncode == 0


def test_the_schema_of_a_definition_is_json() -> None:
    assert json.loads(run.invoke(app, ["strategy", "schema"]).output)["$schema"]


def test_the_catalogue_is_listed_as_json() -> None:
    kinds = json.loads(run.invoke(app, ["indicators", "list", "--json"]).output)
    assert {"rsi", "vwap", "pump_magnitude_pct"} <= {kind["name"] for kind in kinds}


def test_an_indicator_is_computed_over_a_file_of_bars(tmp_path: Path) -> None:
    bars = tmp_path / "bars.csv"
    lines = [f"{1_700_000_000 + i * 60},{i},{i},{i},{i},1" for i in range(1, 6)]
    bars.write_text("\n".join(["time,open,high,low,close,volume", *lines]) + "\n")
    out = tmp_path / "out.csv"
    options = ["--kind", "sma", "--param", "period=3", "--input", str(bars), "--output", str(out)]
    assert run.invoke(app, ["indicators", "compute", *options]).exit_code == 0
    assert out.read_text().splitlines() == [
        "ts,value",
        "1700000120000000,",
        "1700000180000000,",
        "1700000240000000,2.0",
        "1700000300000000,3.0",
        "1700000360000000,4.0",
    ]


@pytest.mark.parametrize(("header", "code"), [("a,b", "indicators.columns"), ("price,size", "indicators.no_time")])
def test_a_file_that_is_neither_bars_nor_trades_is_refused(tmp_path: Path, header: str, code: str) -> None:
    file = tmp_path / "odd.csv"
    file.write_text(f"{header}\n1,2\n")
    options = ["--kind", "vwap", "--input", str(file), "--output", str(tmp_path / "out.csv")]
    refused = run.invoke(app, ["indicators", "compute", *options])
    assert isinstance(refused.exception, Invalid)
    assert refused.exception.code == code


def test_a_config_file_gives_defaults_and_refuses_what_is_no_option(tmp_path: Path) -> None:
    config = tmp_path / "desk.toml"
    config.write_text('feed = "kraken"\n')
    refused = run.invoke(app, ["run", "--config", str(config)])
    assert isinstance(refused.exception, Invalid)
    assert refused.exception.code == "run.feed"
    config.write_text('feeed = "simulated"\n')
    unknown = run.invoke(app, ["run", "--config", str(config)])
    assert isinstance(unknown.exception, Invalid)
    assert unknown.exception.path == "feeed"


def test_the_environment_overrides_the_config_file(tmp_path: Path) -> None:
    config = tmp_path / "desk.toml"
    config.write_text("port = 70000\n")
    refused = run.invoke(app, ["run", "--config", str(config)], env={"PAPERTAPE_PORT": "70001"})
    assert isinstance(refused.exception, Invalid)
    assert "Port 70001" in refused.exception.message


def test_a_session_command_without_a_desk_says_how_to_start_one() -> None:
    failed = run.invoke(app, ["session", "list", "--url", "http://127.0.0.1:9"])
    assert "start one with `papertape run`" in str(failed.exception)
