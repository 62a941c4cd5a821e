"""Normalized average true range."""

from __future__ import annotations

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
