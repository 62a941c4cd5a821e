"""Exponential moving average."""

from __future__ import annotations

from papertape.testkit.candles import assert_equal, candles, flat, values_of


def test_it_begins_with_the_mean_and_moves_by_its_weight() -> None:
    assert values_of("ema", flat(*[1.0, 2.0, 6.0, 5.0, 7.0]), period=3) == [None, None, 3.0, 4.0, 5.5]


def test_equal_closes_are_their_own_average() -> None:
    assert values_of("ema", flat(*[0.1] * 9), period=3)[2:] == [0.1] * 7


def test_it_equals_the_weighted_sum_of_all_closes() -> None:
    bars = candles(200)
    closes = [bar.close for bar in bars]
    slow: list[float | None] = [None] * 9
    for at in range(9, len(closes)):
        weight = 2.0 / 11.0
        past = sum(closes[:10]) / 10.0 * (1.0 - weight) ** (at - 9)
        slow.append(past + sum(weight * (1.0 - weight) ** (at - k) * closes[k] for k in range(10, at + 1)))

    assert_equal(values_of("ema", bars, period=10), slow)
