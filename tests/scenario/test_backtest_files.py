"""`papertape backtest` over files: several symbols and strategies, on one core or two, the same to the last byte."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from papertape.app.backtest_columns import FilesTask, run_files
from papertape.app.backtest_files import FilesAsked
from papertape.app.backtest_pool import BacktestPool
from papertape.cli.main import app
from papertape.errors import Broken, PapertapeError
from papertape.strategy.parse import parse_definition, version_of
from papertape.testkit.shared_data import shared_data

NOON = 1_700_000_000_000
BTC, ETH = "BTCUSDT-PERP.BINANCE", "ETHUSDT-PERP.BINANCE"
CROSS = """
name: {name}
indicators:
  fast: {{kind: ema, params: {{period: {fast}, interval: 1}}}}
  slow: {{kind: ema, params: {{period: 12, interval: 1}}}}
sections:
  S1: {{conditions: [{{indicator: fast, op: crosses_above, other: slow}}]}}
  Z1: {{order: {{side: long, size: {{quote: 500}}, stop_loss_pct: 3}}}}
  ZE1: {{conditions: [{{indicator: fast, op: crosses_below, other: slow}}]}}
cooldown: {{after_exit: 1s}}
"""
TIMES = ("seconds", "events_per_s")
run = CliRunner()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAPERTAPE_DATA_DIR", str(tmp_path / "data"))
    for name, fast in (("quick", 3), ("slower", 5)):
        (tmp_path / f"{name}.yaml").write_text(CROSS.format(name=name, fast=fast))
    for symbol, price in (("btc", 60_000.0), ("eth", 2_000.0)):
        made = trades(symbol, price)
        made.write_parquet(tmp_path / f"{symbol}.parquet")
        made.write_csv(tmp_path / f"{symbol}.csv")
        os.utime(tmp_path / f"{symbol}.parquet", (1_700_000_000, 1_700_000_000))
    return tmp_path


def trades(seed: str, price: float, count: int = 1_200) -> pl.DataFrame:
    chance = Random(seed)
    rows: dict[str, list[Any]] = {"timestamp": [], "price": [], "qty": [], "side": []}
    ts = NOON
    for _ in range(count):
        ts += chance.randrange(0, 500)
        price *= 1 + chance.gauss(0, 0.0004)
        rows["timestamp"].append(ts)
        rows["price"].append(round(price, 2))
        rows["qty"].append(chance.randrange(1, 900) / 1_000)
        rows["side"].append(chance.choice(("buy", "sell")))
    return pl.DataFrame(rows)


def backtest(*words: str) -> Any:
    done = run.invoke(app, ["backtest", *words, "--warmup", "20", "--json"])
    assert done.exit_code == 0, f"{done.output} {done.exception!r}"
    return json.loads(done.stdout)


def refusal(*words: str) -> PapertapeError:
    error = run.invoke(app, ["backtest", *words]).exception
    assert isinstance(error, PapertapeError), error
    return error


def plain(result: Any) -> Any:
    """Return a result without what the clock says."""
    if isinstance(result, list):
        return [plain(each) for each in result]
    return {name: value for name, value in result.items() if name not in TIMES} if isinstance(result, dict) else result


BOTH = ("--symbol", f"{BTC}=btc.parquet", "--symbol", f"{ETH}=eth.parquet")


def test_two_strategies_trade_two_symbols_in_one_account() -> None:
    result = backtest("quick.yaml", "slower.yaml", *BOTH)
    assert (result["strategies"], result["instruments"]) == (["quick", "slower"], [BTC, ETH])
    assert result["fills"] > 4
    assert (result["initial_capital"], result["final_equity"] != "10000") == ("10000", True)
    data, engine = result["data"], result["engine"]
    assert (data["trades"], data["grade"], data["is_cached"], data["files"]) == (
        2_400, "trades", False, ["btc.parquet", "eth.parquet"],
    )  # fmt: skip
    assert (engine["kernel"] in ("compiled", "interpreted"), engine["events"], engine["jobs"]) == (True, 2_400, 1)


def test_the_second_run_maps_what_the_first_has_read_and_comes_to_the_same(folder: Path) -> None:
    words = ("quick.yaml", *BOTH, "--facts", "facts.jsonl")
    results, facts = [], []
    for more in ((), (), ("--no-cache",)):
        results.append(backtest(*words, *more))
        facts.append((folder / "facts.jsonl").read_bytes())
    assert [each["data"]["is_cached"] for each in results] == [False, True, False]
    assert len({each["data"]["sha256"] for each in results}) == 1
    assert plain({**results[0], "data": 0, "engine": 0}) == plain({**results[1], "data": 0, "engine": 0})
    assert (facts[0] == facts[1] == facts[2], facts[0].count(b"\n")) == (True, results[0]["facts"])


def test_a_csv_comes_to_the_same_as_the_parquet() -> None:
    ids = ("--symbol", BTC)
    results = [backtest("quick.yaml", "--trades", f"btc.{suffix}", *ids) for suffix in ("csv", "parquet")]
    assert results[0]["data"]["sha256"] == results[1]["data"]["sha256"]
    assert plain({**results[0], "data": 0, "engine": 0}) == plain({**results[1], "data": 0, "engine": 0})


def test_parameter_sets_come_to_the_same_on_one_core_and_on_two_in_the_same_order(folder: Path) -> None:
    words = ("quick.yaml", "slower.yaml", *BOTH, "--each", "--set", "indicators.fast.params.period=2,4")
    one = backtest(*words, "--facts", "one.jsonl")
    two = backtest(*words, "--facts", "two.jsonl", "--jobs", "2")
    assert plain(one["runs"]) == plain(two["runs"])
    assert [(run["strategies"], run["instruments"], run["values"]) for run in one["runs"]] == [
        ([strategy], [symbol], {"indicators.fast.params.period": period})
        for period in (2, 4) for strategy in ("quick", "slower") for symbol in (BTC, ETH)
    ]  # fmt: skip
    for number in range(1, 9):
        assert (folder / f"one-{number}.jsonl").read_bytes() == (folder / f"two-{number}.jsonl").read_bytes()
    assert (one["engine"]["jobs"], two["engine"]["jobs"]) == (1, 2)


def test_an_account_of_its_own_is_that_of_the_symbol_alone() -> None:
    each = backtest("quick.yaml", *BOTH, "--each")["runs"]
    for run_of_it, words in zip(each, (BOTH[:2], BOTH[2:]), strict=True):
        alone = backtest("quick.yaml", *words)
        assert plain(run_of_it) == plain(
            {name: value for name, value in alone.items() if name not in ("data", "engine")}
        )


def test_several_jobs_run_without_a_folder_to_keep_columns_in() -> None:
    words = ("quick.yaml", *BOTH, "--set", "indicators.fast.params.period=2,4")
    two = backtest(*words, "--jobs", "2", "--no-cache")
    assert plain(two["runs"]) == plain(backtest(*words)["runs"])


def test_a_period_leaves_out_what_is_before_its_warm_up_and_after_its_end() -> None:
    words = ("quick.yaml", "--trades", "btc.parquet", "--symbol", BTC)
    part = backtest(*words, "--from", "2023-11-14T22:15:00", "--to", "2023-11-14T22:16:00")
    assert NOON * 1_000 + 100_000_000 <= part["first_ts"] < part["last_ts"] < NOON * 1_000 + 160_000_000
    assert part["engine"]["events"] < part["data"]["trades"]


def test_the_table_is_readable() -> None:
    words = ("backtest", "quick.yaml", *BOTH, "--set", "indicators.fast.params.period=2,4")
    said = run.invoke(app, [*words], env={"COLUMNS": "160"}).output
    assert ("fast.period=2" in said, "2,400 trades of 2 instruments" in said, "orders met trades" in said) == (
        True, True, True,
    ), said  # fmt: skip
    assert "events/s, 1 job, kernel" in said


def test_progress_is_shown_on_a_terminal_and_nowhere_else() -> None:
    words = ["backtest", "quick.yaml", "--trades", "btc.parquet", "--symbol", BTC]
    said = [run.invoke(app, words, env={"FORCE_COLOR": forced, "COLUMNS": "160"}).stderr for forced in ("1", "")]
    assert ("1200/1200" in said[0], "events/s" in said[0], said[1]) == (True, True, ""), said


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["quick.yaml"], "backtest.no_files"),
        (["--trades", "btc.parquet", "--symbol", BTC], "backtest.no_strategy"),
        (["none.yaml", "--trades", "btc.parquet", "--symbol", BTC], "strategy.unreadable"),
        (["quick.yaml", "--trades", "btc.parquet"], "columns.no_symbol"),
        (["quick.yaml", "--trades", "none.parquet", "--symbol", BTC], "columns.no_file"),
        (["quick.yaml", "--trades", "quick.yaml", "--symbol", BTC], "import.missing_column"),
        (["quick.yaml", "--trades", "btc.parquet", "--symbol", BTC, "--jobs", "0"], "backtest.jobs"),
        (["quick.yaml", "--trades", "btc.parquet", "--symbol", BTC, "--from", "noon"], "backtest.time"),
        (["quick.yaml", "--trades", "btc.parquet", "--symbol", BTC, "--from", "2030-01-01"], "backtest.no_rows"),
        (["quick.yaml", "--trades", "btc.parquet", "--symbol", BTC, "--warmup", "9999"], "backtest.no_rows"),
        (["quick.yaml", "--trades", "btc.parquet", "--symbol", BTC, "--facts", "no/such/folder"], "backtest.facts"),
        (["quick.yaml", "--data", "btc.parquet", "--set", "title=a"], "backtest.options"),
        (["quick.yaml", "quick.yaml", "--trades", "btc.parquet", "--symbol", BTC], "session.duplicate_strategy"),
    ],
)
def test_what_is_asked_wrongly_is_answered_in_a_sentence(words: list[str], code: str) -> None:
    error = refusal(*words)
    assert (error.code, error.message[-1]) == (code, "."), error.message


def test_bars_alone_are_refused_as_nothing_fills_on_them() -> None:
    file = shared_data("freqtrade-testdata/XRP_ETH_1m.parquet")
    assert refusal("ema-cross", "--bars", str(file), "--symbol", "XRPETH.BINANCE", "--no-cache").code == (
        "backtest.bars_only"
    )


def test_bars_warm_what_then_trades() -> None:
    place = shared_data("freqtrade-testdata")
    files = ("--trades", str(place / "XRP_ETH_trades.parquet"), "--bars", str(place / "XRP_ETH_1m.parquet"))
    result = backtest("ema-cross", *files, "--symbol", "XRPETH.BINANCE", "--to", "2019-10-11T02:00")
    assert (result["data"]["trades"], result["data"]["bars"], result["data"]["grade"]) == (12_477, 2_469, "trades")


def test_a_killed_process_is_told_with_the_name_of_its_run(folder: Path) -> None:
    def kill(pid: int) -> None:
        os.kill(pid, signal.SIGKILL)

    task = FilesTask(
        strategies=(version_of(parse_definition(Path("quick.yaml").read_text())),),
        asked=FilesAsked(symbols=BOTH[1::2]), sets=("indicators.fast.params.period=2,4",), jobs=2,
    )  # fmt: skip
    with pytest.raises(Broken) as broken:
        run_files(task, folder / "data", on_started=kill)
    assert broken.value.code == "backtest.process_ended"
    assert f"The process of the run 'quick on {BTC}, {ETH} with indicators.fast.params.period=" in broken.value.message
    assert "was killed" in broken.value.message


def test_a_process_that_cannot_be_started_is_unavailable(folder: Path) -> None:
    pool = BacktestPool(folder, 1, command=("no-such-program",))
    with pytest.raises(PapertapeError, match="No process could be started"):
        asyncio.run(pool.run([None], lambda _: None))  # type: ignore[list-item]  # it does not come to an order


def test_ctrl_c_ends_all_processes(folder: Path) -> None:
    trades("long", 100.0, 60_000).write_parquet(folder / "long.parquet")
    words = ["backtest", "quick.yaml", "--trades", "long.parquet", "--symbol", BTC, "--jobs", "2",
             "--set", "indicators.fast.params.period=2,4"]  # fmt: skip
    command = [sys.executable, "-c", "from papertape.cli.main import main; main()", *words]
    child = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        workers = _wait_for_workers(child)
    finally:
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=120)
    assert child.returncode != 0
    assert [pid for pid in workers if Path(f"/proc/{pid}/cmdline").exists()] == []


def _wait_for_workers(child: subprocess.Popen[bytes]) -> list[int]:
    children = Path(f"/proc/{child.pid}/task/{child.pid}/children")
    while child.poll() is None:
        found = [int(pid) for pid in children.read_text().split()]
        if len(found) == 2:
            return found
    raise AssertionError(f"it ended before its processes ran: {child.communicate()[0].decode()}")
