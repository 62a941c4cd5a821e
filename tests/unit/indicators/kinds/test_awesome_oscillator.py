"""Awesome oscillator."""

from __future__ import annotations

from papertape.testkit.candles import assert_equal, candle, candles, each, sma, values_of

BARS = candles(200)


def test_it_is_a_fast_average_of_the_middles_less_a_slow_one() -> None:
    middles = [(bar.high + bar.low) / 2 for bar in BARS]

    expected = each(lambda a, b: a - b, sma(middles, 5), sma(middles, 34))
    assert_equal(values_of("awesome_oscillator", BARS), expected, scale=100.0)


def test_small_averages_by_hand() -> None:
    bars = [candle(1.0, 2.0, 0.0), candle(3.0, 6.0, 2.0)]

    assert values_of("awesome_oscillator", bars, fast=1, slow=2) == [None, 1.5]


def test_equal_prices_give_0() -> None:
    assert values_of("awesome_oscillator", [candle(0.1, 0.3, 0.1)] * 40)[-1] == 0.0
