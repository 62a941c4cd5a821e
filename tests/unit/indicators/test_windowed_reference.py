"""Every windowed measure equals a slow, obvious computation, over real trades and over made-up ones."""

from __future__ import annotations

import random
from functools import cache

import polars as pl
import pytest

from papertape.indicators.catalogue import CATALOGUE
from papertape.indicators.compute import Meter, TradeRow
from papertape.testkit.shared_data import shared_data
from papertape.testkit.slow_measures import SLOW, WINDOWS

SECOND = 1_000_000
CASES = [(kind, setting) for kind in SLOW for setting in range(len(WINDOWS))]


def test_every_indicator_over_trades_has_a_slow_reference() -> None:
    assert set(SLOW) == {name for name, kind in CATALOGUE.items() if "trades" in kind.inputs}


@cache
def real_trades() -> tuple[TradeRow, ...]:
    """Return two minutes of spot BTCUSDT, times in whole milliseconds, many of them repeated."""
    path = shared_data("binance-raw-ws-2024-08") / "normalized" / "trades.parquet"
    frame = (
        pl.scan_parquet(path)
        .filter(pl.col("venue") == "binance-spot", pl.col("symbol") == "BTCUSDT")
        .sort("trade_id")
        .select(pl.col("trade_ts_ms") * 1000, "price", "size", pl.col("aggressor") == "buy")
        .head(4_000)
        .collect()
    )
    return tuple(TradeRow(*row) for row in frame.iter_rows())


@cache
def made_up_trades() -> tuple[TradeRow, ...]:
    """Return bursts, lone trades and silences, with equal times, equal prices and trades without size."""
    draw = random.Random(20_240_823)
    ts, price, trades = 1_700_000_000 * SECOND, 10_000, []
    for _ in range(1_200):
        ts += draw.choice((0, 0, 1, 1_000, 40_000, 300_000, 900_000, 2_000_000))
        if draw.random() < 0.01:
            ts += draw.choice((5, 30, 200)) * SECOND
        price += draw.choice((0, 0, 0, -1, 1, -7, 7, 40, -40))
        size = draw.choice((0, 0, 1, 5, 5, 333, 20_000))
        trades.append(TradeRow(ts, price / 100, size / 1_000, draw.random() < 0.5))
    return tuple(trades)


def compare(kind: str, setting: int, trades: tuple[TradeRow, ...], every: int) -> tuple[int, int]:
    """Return how often a value and how often none was as expected."""
    params = {param.name: WINDOWS[setting][param.name] for param in CATALOGUE[kind].params}
    meter = Meter(kind, params, price_decimals=2, size_decimals=5)
    values = nones = 0
    for at, trade in enumerate(trades):
        meter.on_trade(*trade)
        later = trades[at + 1].ts if at + 1 < len(trades) else trade.ts + 10 * SECOND
        # Both at a trade and between two, but never once a trade of the same instant is still to come.
        now = (trade.ts + later) // 2
        if at % every or later == trade.ts:
            continue
        if (meter.reason(now) or "").startswith("warming up"):
            continue
        expected = SLOW[kind](trades[: at + 1], now, params)
        assert (meter.value(now) is None) == (expected is None), (now, meter.reason(now), expected)
        if expected is None:
            nones += 1
        else:
            assert meter.value(now) == pytest.approx(expected, rel=1e-9, abs=1e-8)
            values += 1
    return values, nones


@pytest.mark.parametrize(("kind", "setting"), CASES)
def test_a_windowed_measure_over_real_trades_equals_the_slow_reference(kind: str, setting: int) -> None:
    values, _ = compare(kind, setting, real_trades(), every=97)

    assert values > 5


@pytest.mark.parametrize(("kind", "setting"), CASES)
def test_a_windowed_measure_over_made_up_trades_equals_the_slow_reference(kind: str, setting: int) -> None:
    values, _ = compare(kind, setting, made_up_trades(), every=7)

    assert values > 20


@pytest.mark.parametrize("kind", SLOW)
def test_a_single_trade_gives_a_finite_value_or_a_reason_for_ever(kind: str) -> None:
    params = {param.name: WINDOWS[0][param.name] for param in CATALOGUE[kind].params}
    meter = Meter(kind, params)
    trade = TradeRow(0, 10.0, 0.0, True)
    meter.on_trade(*trade)
    for now in (0, SECOND, 65 * SECOND, 100_000 * SECOND):
        value, reason = meter.value(now), meter.reason(now)
        assert (value is None) == bool(reason)
        if reason is None or not reason.startswith("warming up"):
            assert value == SLOW[kind]([trade], now, params)


def test_a_sum_over_a_million_passing_trades_leaves_no_rounding_behind() -> None:
    meter = Meter("sum_volume", {"t1": 1})
    for ts in range(0, 2 * SECOND, 10):
        meter.on_trade(ts, 1.0, 0.1 if ts % 20 else 12_345.678, True)
    meter.on_trade(10 * SECOND, 1.0, 0.3, True)

    assert meter.value(10 * SECOND) == 0.3
