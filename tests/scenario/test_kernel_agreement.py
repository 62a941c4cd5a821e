"""Whole sessions come to the same facts, byte for byte: compiled and interpreted, in one process and in several."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import polars as pl
import pytest

import papertape
from papertape import kernel
from papertape.testkit.shared_data import shared_data

NOON_US = 1_700_000_000_000_000
REAL_S = 90
SYMBOLS = {"ABCUSDT.TEST": 100.0, "DEFUSDT-PERP.TEST": 2_500.0, "GHIUSDT-PERP.TEST": 0.75}
BUYS_RISES = """
name: buys-rises
indicators:
  rise: {kind: price_change_pct, params: {t1: 5}}
  flow: {kind: order_flow_imbalance, params: {t1: 10}}
  spread: {kind: spread_pct}
sections:
  S1: {conditions: [{indicator: rise, op: ">=", threshold: 0.01, for: 200ms}]}
  O1: {timeout: 20s, conditions: [{indicator: rise, op: "<", threshold: -0.1}]}
  Z1:
    conditions: [{indicator: flow, op: between, threshold: [-0.6, 0.9]}, {indicator: spread, op: "<", threshold: 1}]
    order: {side: long, size: {equity_pct: 20}, stop_loss_pct: 0.2, take_profit_pct: 0.3}
  ZE1: {conditions: [{indicator: runup_pct, op: ">=", threshold: 0.25}]}
  E1: {conditions: [{indicator: unrealized_pnl_pct, op: "<=", threshold: -0.15}]}
cooldown: {after_exit: 1s, after_loss: 3s, after_cancel: 500ms}
"""
FADES_RISES = """
name: fades-rises
indicators:
  price: {kind: mid_price}
  mean: {kind: ema, params: {period: 8, interval: 1}}
  strength: {kind: rsi, params: {period: 5, interval: 2}}
sections:
  S1:
    conditions:
      - any:
          - {indicator: price, op: crosses_above, other: mean, within: 3s}
          - {indicator: strength, op: outside, threshold: [20, 80]}
  O1: {timeout: 10s}
  Z1:
    conditions: [{none: [{indicator: open_positions, op: ">", threshold: 6}]}]
    order:
      side: short
      type: limit
      size: {equity_pct: 5}
      limit: {reference: ask, offset_pct: 0.02, expires_after: 2s}
      stop_loss_pct: 0.3
      take_profit_pct: 0.4
  ZE1: {conditions: [{indicator: position_age_s, op: ">=", threshold: 15}]}
cooldown: {after_exit: 500ms, after_cancel: 500ms}
limits: {max_trades_per_day: 500, max_drawdown_pct: 80}
"""
SELLS_FALLS = """
name: sells-falls
indicators:
  fall: {kind: price_change_pct, params: {t1: 8}}
  volatile: {kind: atr, params: {period: 4, interval: 1}}
sections:
  S1: {conditions: [{indicator: fall, op: crosses_below, threshold: -0.01}]}
  Z1:
    conditions: [{indicator: volatile, op: ">", threshold: 0}]
    order: {side: short, size: {risk_pct: 0.02}, stop_loss_pct: 0.25}
  ZE1: {conditions: [{indicator: drawdown_from_peak_pct, op: ">=", threshold: 0.08, for: 1s}]}
  E1: {conditions: [{indicator: loss_today_pct, op: ">", threshold: 5}]}
cooldown: {after_exit: 2s}
"""
WHOLE = ("--set", "buys-rises:indicators.rise.params.t1=3,6")
EACH = (*WHOLE, "--each")
BOTH_SIDES = {("fill", "entry", "buy"), ("fill", "entry", "sell"), ("order", "market", "filled")}
RECORDED_STORY = BOTH_SIDES | {("order", "stop_market", "cancelled"), ("order", "limit", "expired")}
RANDOM_STORY = RECORDED_STORY | {
    ("fill", "stop_loss", "buy"), ("fill", "stop_loss", "sell"), ("fill", "take_profit", "buy"),
    ("fill", "exit", "sell"), ("fill", "emergency_exit", "sell"), ("order", "limit", "filled"),
}  # fmt: skip


class Told(NamedTuple):
    """What a backtest said: how its kernel ran, and the facts of its runs as they were written."""

    kernel: str
    facts: list[bytes]

    @property
    def hashes(self) -> list[str]:
        return [hashlib.sha256(each).hexdigest() for each in self.facts]


def told(folder: Path, mode: str, jobs: int, *words: str) -> Told:
    """Run `papertape backtest` in a process of its own; several runs, whose facts come in their order."""
    place = folder / f"{mode}-{jobs}-{len(words)}"
    place.mkdir()
    environment = os.environ | {kernel.SETTING: mode, "PAPERTAPE_DATA_DIR": str(place / "data")}
    command = [sys.executable, "-c", "from papertape.cli.main import main; main()", "backtest", *words]
    options = ["--jobs", str(jobs), "--facts", str(place / "facts.jsonl"), "--json"]
    done = subprocess.run(
        [*command, *options], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    files = sorted(place.glob("facts-*.jsonl"))
    return Told(json.loads(done.stdout)["engine"]["kernel"], [file.read_bytes() for file in files])


@pytest.fixture
def compiled() -> str:
    """Return the mode that is held against the interpreted one; skip where there is only one."""
    problem = kernel.why_not_compiled(papertape.__path__[0])
    if problem:
        pytest.skip(f"compares nothing: the kernel can only be interpreted, because {problem}")
    return kernel.COMPILED


@pytest.fixture
def strategies(tmp_path: Path) -> tuple[str, ...]:
    definitions = {"rises.yaml": BUYS_RISES, "fades.yaml": FADES_RISES, "falls.yaml": SELLS_FALLS}
    for name, text in definitions.items():
        (tmp_path / name).write_text(text)
    return tuple(definitions)


def random_market(folder: Path, seed: int, seconds: int = 90) -> tuple[str, ...]:
    """Write trades and quotes of three symbols that rise and fall by turns; return the words that name them."""
    walks = {symbol: _walk(Random(f"{symbol} {seed}"), price, seconds) for symbol, price in SYMBOLS.items()}
    for at, file in enumerate(("trades.parquet", "quotes.parquet")):
        rows = [pl.DataFrame(walk[at]).with_columns(instrument=pl.lit(symbol)) for symbol, walk in walks.items()]
        pl.concat(rows).sort("ts", maintain_order=True).write_parquet(folder / file)
    symbols = [word for symbol in SYMBOLS for word in ("--symbol", symbol)]
    return ("--trades", "trades.parquet", "--quotes", "quotes.parquet", *symbols, "--warmup", "10")


def _walk(chance: Random, price: float, seconds: int) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    trades: dict[str, list[Any]] = {"ts": [], "price": [], "size": [], "side": []}
    quotes: dict[str, list[Any]] = {"ts": [], "bid": [], "bid_size": [], "ask": [], "ask_size": []}
    ts, drift = NOON_US, 0.0
    while ts < NOON_US + seconds * 1_000_000:
        ts += chance.choice((0, 0, 1_000, 40_000, 90_000, 250_000))
        drift = chance.gauss(0, 0.00015) if chance.random() < 0.02 else drift
        price *= 1 + drift + chance.gauss(0, 0.00008)
        half = price * chance.choice((0.00005, 0.0001, 0.0004))
        if chance.random() < 0.6:
            row = (ts, round(price - half, 4), chance.randrange(1, 900) / 10, round(price + half, 4), 25.5)
            _add(quotes, row)
        else:
            side = chance.choice(("buy", "sell"))
            _add(trades, (ts, round(price + (half if side == "buy" else -half), 4), chance.randrange(1, 90) / 10, side))
    return trades, quotes


def _add(columns: dict[str, list[Any]], row: tuple[Any, ...]) -> None:
    for column, value in zip(columns.values(), row, strict=True):
        column.append(value)


def real_market(folder: Path) -> tuple[str, ...]:
    """Write two minutes of three recorded instruments; return the words that name them."""
    recorded = shared_data("binance-raw-ws-2024-08/normalized")
    first_ns = pl.scan_parquet(recorded / "bbo.parquet").select(pl.col("recv_ts_ns").min()).collect().item()
    ids = {
        f"{venue} {symbol}": f"{symbol}{suffix}.BINANCE"
        for venue, symbol, suffix in (
            ("binance-spot", "BTCUSDT", ""), ("binance-usdm", "BTCUSDT", "-PERP"), ("binance-usdm", "ETHUSDT", "-PERP"),
        )
    }  # fmt: skip
    for file, columns in (
        ("trades", {"price": "price", "size": "size", "aggressor": "side"}),
        ("bbo", {"bid_price": "bid", "bid_size": "bid_size", "ask_price": "ask", "ask_size": "ask_size"}),
    ):
        rows = pl.read_parquet(recorded / f"{file}.parquet").filter(
            pl.col("recv_ts_ns") < first_ns + REAL_S * 1_000_000_000
        )
        named = rows.with_columns(
            ts=pl.col("recv_ts_ns") // 1_000,
            instrument=(pl.col("venue") + " " + pl.col("symbol")).replace_strict(ids, default=None),
        ).drop_nulls("instrument")
        renamed = named.select("ts", "instrument", *(pl.col(old).alias(new) for old, new in columns.items()))
        renamed.sort("ts", maintain_order=True).write_parquet(folder / f"{file}.parquet")
    symbols = [word for each in ids.values() for word in ("--symbol", each)]
    return ("--trades", "trades.parquet", "--quotes", "bbo.parquet", *symbols, "--warmup", "10")


def story(facts: list[bytes]) -> set[tuple[str, str, str]]:
    """Return which fills there are, by purpose and side, and which orders, by type and status."""
    told = set()
    for line in b"".join(facts).splitlines():
        fact = json.loads(line)
        if fact["type"] == "OrderFilled":
            told.add(("fill", fact["purpose"], fact["side"]))
        elif fact["type"] == "OrderUpdated":
            told.add(("order", fact["order_type"], fact["status"]))
    return told


@pytest.mark.parametrize("how", [WHOLE, EACH], ids=["one-account", "an-account-for-each"])
def test_random_sessions_are_the_same_compiled_and_interpreted_and_in_two_processes(
    tmp_path: Path, strategies: tuple[str, ...], compiled: str, how: tuple[str, ...]
) -> None:
    words = (*strategies, *random_market(tmp_path, seed=len(how)), *how)
    oracle = told(tmp_path, kernel.INTERPRETED, 1, *words)
    assert_the_same(tmp_path, compiled, oracle, *words)
    assert story(oracle.facts) >= RANDOM_STORY


def test_recorded_sessions_are_the_same_compiled_and_interpreted_and_in_two_processes(
    tmp_path: Path, strategies: tuple[str, ...], compiled: str
) -> None:
    words = (*strategies, *real_market(tmp_path), *WHOLE)
    oracle = told(tmp_path, kernel.INTERPRETED, 1, *words)
    assert_the_same(tmp_path, compiled, oracle, *words)
    assert story(oracle.facts) >= RECORDED_STORY


def assert_the_same(folder: Path, mode: str, oracle: Told, *words: str) -> None:
    assert (oracle.kernel, len(oracle.facts) > 1) == (kernel.INTERPRETED, True)
    for jobs in (1, 2):
        other = told(folder, mode, jobs, *words)
        assert (other.kernel, other.hashes) == (mode, oracle.hashes)
