"""Every command of the guide to backtests works as written."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from random import Random

import polars as pl
import pytest
from typer.testing import CliRunner

from papertape.cli.main import app
from papertape.strategy.library import builtin_text

GUIDE = Path(__file__).resolve().parents[2] / "docs/guides/backtest.md"
run = CliRunner()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAPERTAPE_DATA_DIR", str(tmp_path / "data"))
    chance = Random(1)
    times = [1_700_000_000_000 + 500 * at + chance.randrange(500) for at in range(700)]
    prices = [round(60_000 + chance.gauss(0, 40), 1) for _ in times]
    sides = [chance.choice(("buy", "sell")) for _ in times]
    market = pl.DataFrame({"time": times, "price": prices, "size": [0.01] * len(times), "side": sides})
    market.write_parquet("trades.parquet")
    market.write_csv("eth.csv")
    asks = [price + 0.1 for price in prices]
    sizes = [1.5] * len(times)
    pl.DataFrame(
        {"time": times, "bid_price": prices, "bid_qty": sizes, "ask_price": asks, "ask_qty": sizes}
    ).write_parquet("quotes.parquet")
    mine = builtin_text("ema-cross").replace("name: ema-cross", "name: mine")
    Path("mine.yaml").write_text(mine)
    return tmp_path


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


@pytest.mark.parametrize("command", commands())
def test_every_command_of_the_guide_works_as_written(command: str) -> None:
    done = run.invoke(app, shlex.split(command)[1:])
    assert done.exit_code == 0, f"{done.output} {done.exception!r}"
