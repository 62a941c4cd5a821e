"""Normalized average true range."""

from __future__ import annotations

from papertape.indicators.catalogue import make_indicator
from papertape.testkit.candles import assert_equal, bars_of, candles, values_of


def test_it_is_the_true_range_in_percent_of_the_close() -> None:
    bars = candles(100)
    slow = [
        None if average is None else 100.0 * average / bar.close
        for average, bar in zip(values_of("atr", bars), bars, strict=True)
    ]

    assert_equal(values_of("natr", bars), slow)


def test_a_close_of_zero_has_none() -> None:
    assert values_of("natr", bars_of([(1.0, 0.0, 1.0, 1.0), (1.0, 0.0, 0.0, 1.0)]), period=1) == [None, None]


def test_the_reason_names_what_is_missing() -> None:
    indicator = make_indicator("natr", {"period": 1})
    for bar in bars_of([(1.0, 0.0, 1.0, 1.0), (1.0, 0.0, 0.0, 1.0)]):
        indicator.on_bar(bar)

    assert indicator.reason(0) == "the close is zero"
