"""Simple moving average."""

from __future__ import annotations

import math

from papertape.testkit.candles import assert_equal, candles, flat, values_of


def test_it_is_the_mean_of_the_last_closes() -> None:
    assert values_of("sma", flat(*[1.0, 2.0, 6.0, 4.0]), period=3) == [None, None, 3.0, 4.0]


def test_a_period_of_one_is_the_close() -> None:
    assert values_of("sma", flat(*[5.0, 7.0]), period=1) == [5.0, 7.0]


def test_it_does_not_drift() -> None:
    bars = candles(3_000)
    closes = [bar.close for bar in bars]
    slow = [None if at < 19 else math.fsum(closes[at - 19 : at + 1]) / 20 for at in range(len(closes))]

    assert_equal(values_of("sma", bars, period=20), slow)


def test_equal_closes_are_their_own_mean() -> None:
    assert values_of("sma", flat(*[0.1] * 9), period=7)[6:] == [0.1, 0.1, 0.1]
