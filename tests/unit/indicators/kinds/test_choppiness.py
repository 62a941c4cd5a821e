"""Choppiness index."""

from __future__ import annotations

from math import log10

from papertape.testkit.candles import assert_equal, candle, candles, each, flat, true_ranges, values_of, windows

BARS = candles(300)


def test_it_is_the_logarithm_of_the_way_over_the_distance() -> None:
    high: list[float | None] = [None, *(bar.high for bar in BARS[1:])]
    low: list[float | None] = [None, *(bar.low for bar in BARS[1:])]
    distance = each(lambda a, b: a - b, windows(high, 14, max), windows(low, 14, min))
    way = windows(true_ranges(BARS), 14, sum)

    expected = each(lambda a, b: 100 * log10(a / b) / log10(14), way, distance)
    assert_equal(values_of("choppiness", BARS), expected, scale=100.0)


def test_a_straight_way_gives_0_and_one_to_and_fro_100() -> None:
    straight = [candle(float(at + 1), float(at + 1), float(at)) for at in range(5)]
    to_and_fro = [candle(float(at % 2), 1.0, 0.0) for at in range(5)]

    assert_equal(values_of("choppiness", straight, period=4)[-1:], [0.0])
    assert_equal(values_of("choppiness", to_and_fro, period=4)[-1:], [100.0])


def test_without_a_distance_it_is_100() -> None:
    assert values_of("choppiness", flat(*[5.0] * 16))[-2:] == [100.0, 100.0]
    assert values_of("choppiness", flat(4.0, *[5.0] * 3), period=3)[-1] == 100.0
