"""Wilder's moving average."""

from __future__ import annotations

from papertape.testkit.candles import assert_equal, candles, flat, values_of


def test_it_begins_with_the_mean_and_moves_by_a_share() -> None:
    assert values_of("smma", flat(*[1.0, 2.0, 6.0, 6.0, 7.0]), period=3) == [None, None, 3.0, 4.0, 5.0]


def test_it_is_an_exponential_average_of_twice_the_period() -> None:
    # 1 / n is 2 / (m + 1) for m = 2 n - 1; the seeds part them, and fade.
    bars = candles(600)

    assert_equal(values_of("smma", bars, period=5)[500:], values_of("ema", bars, period=9)[500:])
