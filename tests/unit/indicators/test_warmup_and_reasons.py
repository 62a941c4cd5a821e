"""An indicator says what is missing: warm-up, silence, empty books, too many trades."""

from __future__ import annotations

import pytest

from papertape.indicators.bars import Bar
from papertape.indicators.catalogue import make_indicator
from papertape.indicators.compute import Meter
from papertape.indicators.indicator import Warmup

SECOND = 1_000_000


def trade(indicator: Meter, second: float, price: float = 10.0, size: float = 1.0, *, is_buy: bool = True) -> None:
    indicator.on_trade(int(second * SECOND), price, size, is_buy)


def test_a_windowed_indicator_warms_up_from_its_first_trade_until_the_window_is_full() -> None:
    vwap = Meter("vwap", {"t1": 60})

    assert vwap.reason(0) == "no trades yet"
    assert vwap.indicator.warmup(0) == Warmup(0.0, 60.0, "s")
    trade(vwap, 100)
    assert vwap.value(142 * SECOND) is None
    assert vwap.reason(142 * SECOND) == "warming up 42/60 s"
    assert vwap.indicator.warmup(142 * SECOND) == Warmup(42.0, 60.0, "s")
    trade(vwap, 159.999, 12.0)
    assert vwap.reason(159_999_999) == "warming up 59/60 s"
    assert vwap.value(160 * SECOND) == 12.0
    assert vwap.indicator.warmup(500 * SECOND) == Warmup(60.0, 60.0, "s")


def test_a_window_shorter_than_a_second_shows_its_fraction() -> None:
    rate = Meter("trade_rate", {"t1": 0.5})
    trade(rate, 0)

    assert rate.reason(SECOND // 4) == "warming up 0.25/0.5 s"


def test_a_window_that_ends_before_now_warms_up_to_its_far_end() -> None:
    volume = Meter("sum_volume", {"t1": 30, "t2": 10})
    trade(volume, 0, size=5.0)
    trade(volume, 15, size=2.0)

    assert volume.reason(29 * SECOND) == "warming up 29/30 s"
    assert volume.value(29 * SECOND) is None
    assert volume.value(30 * SECOND) == 2.0
    assert volume.value(45 * SECOND - 1) == 2.0
    assert volume.value(45 * SECOND) == 0.0


@pytest.mark.parametrize(
    ("kind", "params", "reason"),
    [
        ("vwap", {"t1": 60}, "no trades in the last 60 s"),
        ("pump_magnitude_pct", {"t1": 60}, "no trades in the last 60 s"),
        ("drawdown_pct", {"t1": 60, "t2": 30}, "no trades from 60 to 30 s ago"),
        ("price_change_pct", {"t1": 60}, "no trades in the last 60 s"),
        ("last_price", {"t1": 60}, "no trades in the last 60 s"),
        ("order_flow_imbalance", {"t1": 60}, "no volume in the last 60 s"),
        ("volume_surge_ratio", {"current": 10, "baseline": 50}, "no volume from 60 to 10 s ago"),
    ],
)
def test_silence_is_a_reason_where_a_value_would_be_invented(kind: str, params: dict[str, float], reason: str) -> None:
    indicator = Meter(kind, params)
    trade(indicator, 0)

    assert (indicator.value(600 * SECOND), indicator.reason(600 * SECOND)) == (None, reason)


@pytest.mark.parametrize(
    ("kind", "params", "value"),
    [
        ("trade_rate", {"t1": 60}, 0.0),
        ("trade_count", {"t1": 60}, 0.0),
        ("sum_volume", {"t1": 60}, 0.0),
        ("twpa", {"t1": 60}, 10.0),
        ("price_velocity", {"window": 5, "gap": 30}, 0.0),
        ("last_price", {}, 10.0),
    ],
)
def test_silence_is_a_value_where_it_is_known(kind: str, params: dict[str, float], value: float) -> None:
    indicator = Meter(kind, params)
    trade(indicator, 0)

    assert (indicator.value(600 * SECOND), indicator.reason(600 * SECOND)) == (value, None)


@pytest.mark.parametrize("kind", ["vwap", "order_flow_imbalance"])
def test_trades_without_volume_are_a_reason(kind: str) -> None:
    indicator = Meter(kind, {"t1": 10})
    trade(indicator, 0, size=0.0)
    trade(indicator, 10, size=0.0)

    assert indicator.reason(10 * SECOND) == "no volume in the last 10 s"


def test_a_price_of_zero_is_a_reason_where_it_would_divide() -> None:
    change = Meter("price_change_pct", {"t1": 10})
    trade(change, 0)
    trade(change, 9, price=0.0)
    trade(change, 10, price=5.0)

    assert (change.value(10 * SECOND), change.reason(10 * SECOND)) == (None, "the reference price is zero")


def test_the_last_price_needs_one_trade_and_no_full_window() -> None:
    last = Meter("last_price", {})

    assert (last.reason(0), last.indicator.warmup(0)) == ("no trades yet", Warmup(0.0, 1.0, "trades"))
    trade(last, 5, price=7.0)
    assert (last.value(5 * SECOND), last.indicator.warmup(5 * SECOND)) == (7.0, Warmup(1.0, 1.0, "trades"))


def test_quotes_are_awaited_at_first_and_again_after_a_gap() -> None:
    spread = Meter("spread_pct", {})

    assert (spread.reason(0), spread.indicator.warmup(0)) == ("no quotes yet", Warmup(0.0, 1.0, "quotes"))
    spread.on_quote(0, 99.0, 1.0, 101.0, 1.0)
    assert (spread.value(0), spread.indicator.warmup(0)) == (2.0, Warmup(1.0, 1.0, "quotes"))
    spread.indicator.on_gap(1)
    assert (spread.value(1), spread.reason(1)) == (None, "no quotes since the gap")
    spread.on_quote(2, 100.0, 1.0, 100.0, 1.0)
    assert spread.value(2) == 0.0


def test_what_quotes_tell() -> None:
    quote = (0, 99.0, 3.0, 101.0, 1.0)
    found = {}
    for kind in ("mid_price", "spread_pct", "bid_ask_imbalance"):
        indicator = Meter(kind, {})
        indicator.on_quote(*quote)
        found[kind] = indicator.value(0)

    assert found == {"mid_price": 100.0, "spread_pct": 2.0, "bid_ask_imbalance": 0.5}


@pytest.mark.parametrize(
    ("quote", "reason"),
    [
        ((0.0, 0.0, 101.0, 1.0), "the book has no bid"),
        ((99.0, 1.0, 0.0, 0.0), "the book has no ask"),
        ((99.0, 0.0, 101.0, 1.0), "the book has no bid"),
        ((99.0, 1.0, 101.0, 0.0), "the book has no ask"),
    ],
)
def test_an_empty_side_of_the_book_is_a_reason(quote: tuple[float, float, float, float], reason: str) -> None:
    imbalance = Meter("bid_ask_imbalance", {})
    imbalance.on_quote(0, *quote)

    assert (imbalance.value(0), imbalance.reason(0)) == (None, reason)


def test_bar_indicators_count_closed_bars() -> None:
    rsi = make_indicator("rsi", {"period": 3})
    found = []
    for at in range(4):
        found.append((rsi.reason(at), rsi.warmup(at)))
        rsi.on_bar(Bar(at, at + 1, 1.0, 1.0, 1.0, 1.0 + at, 0.0))

    assert found == [(f"warming up {at}/4 bars", Warmup(float(at), 4.0, "bars")) for at in range(4)]
    assert (rsi.value(4), rsi.reason(4)) == (100.0, None)


def test_rsi_is_defined_when_prices_only_rise_only_fall_or_do_not_move() -> None:
    found = []
    for step in (1.0, -1.0, 0.0):
        rsi = make_indicator("rsi", {"period": 3})
        for at in range(8):
            rsi.on_bar(Bar(at, at + 1, 20.0, 20.0, 20.0, 20.0 + step * at, 0.0))
        found.append(rsi.value(8))

    assert found == [100.0, 0.0, 50.0]


def test_time_never_goes_back() -> None:
    volume = Meter("sum_volume", {"t1": 10})
    trade(volume, 0)
    trade(volume, 100, size=2.0)
    trade(volume, 50, size=3.0)

    assert volume.value(20 * SECOND) == 5.0
    assert volume.value(109 * SECOND) == 5.0
    assert volume.value(110 * SECOND) == 0.0


def test_a_trade_exactly_t2_old_is_in_the_window_and_one_exactly_t1_old_is_not() -> None:
    volume = Meter("sum_volume", {"t1": 30, "t2": 10})
    trade(volume, 0, size=1.0)
    trade(volume, 20, size=2.0)
    trade(volume, 30, size=4.0)

    found = [volume.value(at) for at in (30 * SECOND, 40 * SECOND - 1, 40 * SECOND, 50 * SECOND - 1, 50 * SECOND)]

    assert found == [2.0, 2.0, 6.0, 6.0, 4.0]


def test_a_value_just_read_gives_way_to_the_next_trade_of_the_same_instant() -> None:
    last = Meter("last_price", {})
    trade(last, 1, price=5.0)
    before = last.value(SECOND)
    trade(last, 1, price=6.0)

    assert (before, last.value(SECOND)) == (5.0, 6.0)


def test_asking_for_the_reason_leaves_the_value_right() -> None:
    mid = Meter("mid_price", {})
    asked = [mid.value(0), mid.reason(0)]
    mid.on_quote(1, 1.0, 1.0, 3.0, 1.0)
    asked += [mid.reason(1), mid.value(1), mid.reason(1), mid.value(1)]

    assert asked == [None, "no quotes yet", None, 2.0, None, 2.0]
