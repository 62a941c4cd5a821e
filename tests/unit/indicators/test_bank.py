"""The indicators of one instrument: shared computations, dispatch, bars and history."""

from __future__ import annotations

from decimal import Decimal

import pytest

from papertape.errors import Invalid
from papertape.indicators.bank import IndicatorBank
from papertape.indicators.series import ChartBar
from papertape.model.instrument import Instrument

SECOND = 1_000_000
MINUTE = 60 * SECOND
BTC = Instrument(
    id="BTCUSDT.BINANCE",
    symbol="BTCUSDT",
    venue="BINANCE",
    kind="spot",
    base="BTC",
    quote="USDT",
    price_decimals=2,
    size_decimals=3,
    price_increment=Decimal("0.01"),
    size_increment=Decimal("0.001"),
    min_quantity=Decimal("0.001"),
    min_notional=Decimal(5),
)


def trade(bank: IndicatorBank, ts: int, price: int, size: int = 1_000) -> None:
    bank.on_trade(ts, price, size, price / 100)


def quote(bank: IndicatorBank, ts: int, bid: int, ask: int) -> None:
    bank.on_quote(ts, bid, 3_000, ask, 1_000)


def venue_bar(bank: IndicatorBank, minute: int, close: int) -> None:
    bank.on_venue_bar(minute * MINUTE, MINUTE, close, close, close, close, 1_000)


def test_the_same_kind_and_parameters_are_computed_once() -> None:
    bank = IndicatorBank(BTC)

    assert bank.require("vwap", {"t1": 60}) is bank.require("vwap", {"t2": 0.0, "t1": 60.0})
    assert bank.require("vwap", {"t1": 60}) is not bank.require("vwap", {"t1": 61})
    assert bank.require("rsi", {}) is bank.require("rsi", {"period": 14, "interval": 60})


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(Invalid, match="There is no indicator kind 'vwep'"):
        IndicatorBank(BTC).require("vwep", {})


def test_events_reach_the_indicators_they_are_for_in_float64() -> None:
    bank = IndicatorBank(BTC)
    last = bank.require("last_price", {})
    mid = bank.require("mid_price", {})
    sma = bank.require("sma", {"period": 1, "interval": 60})
    trade(bank, SECOND, 6_180_020)
    quote(bank, 2 * SECOND, 6_180_010, 6_180_030)
    bank.on_time(MINUTE)

    assert [indicator.value(MINUTE) for indicator in (last, mid, sma)] == [61800.20, 61800.20, 61800.20]


def test_a_quote_or_the_clock_closes_a_bar_that_no_trade_closes() -> None:
    bank = IndicatorBank(BTC)
    sma = bank.require("sma", {"period": 2, "interval": 60})
    trade(bank, SECOND, 100)
    quote(bank, MINUTE, 100, 101)
    assert sma.reason(MINUTE) == "warming up 1/2 bars"
    bank.on_time(2 * MINUTE)

    assert sma.value(2 * MINUTE) == 1.0


def test_a_gap_voids_quotes_only() -> None:
    bank = IndicatorBank(BTC)
    spread = bank.require("spread_pct", {})
    last = bank.require("last_price", {})
    trade(bank, 0, 100)
    quote(bank, 0, 100, 101)
    bank.on_gap(1)

    assert (spread.reason(1), last.value(1)) == ("no quotes since the gap", 1.0)


def test_venue_history_warms_bar_indicators_of_its_interval_and_of_multiples() -> None:
    bank = IndicatorBank(BTC)
    short = bank.require("sma", {"period": 3, "interval": 60})
    long = bank.require("sma", {"period": 2, "interval": 180})
    odd = bank.require("sma", {"period": 1, "interval": 90})
    for minute in range(6):
        venue_bar(bank, minute, 100 * minute)

    assert short.value(6 * MINUTE) == 4.0
    assert long.value(6 * MINUTE) == 3.5
    assert odd.reason(6 * MINUTE) == "warming up 0/1 bars"


def test_trades_of_a_venue_bars_time_are_not_counted_again() -> None:
    bank = IndicatorBank(BTC)
    sma = bank.require("sma", {"period": 2, "interval": 60})
    trade(bank, 30 * SECOND, 900)
    venue_bar(bank, 0, 100)
    trade(bank, MINUTE - 1, 900)
    trade(bank, 90 * SECOND, 300)
    bank.on_time(2 * MINUTE)

    assert sma.value(2 * MINUTE) == 2.0
    assert bank.series.bars(60, 2) == [
        ChartBar(MINUTE, 3.0, 3.0, 3.0, 3.0, 1.0, is_partial=False),
        ChartBar(2 * MINUTE, 3.0, 3.0, 3.0, 3.0, 0.0, is_partial=True),
    ]
    assert bank.series.bars(60, 3)[0] == ChartBar(0, 1.0, 1.0, 1.0, 1.0, 1.0, is_partial=False)
