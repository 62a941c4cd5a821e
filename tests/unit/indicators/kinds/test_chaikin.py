"""Accumulation and distribution, and the oscillator of it."""

from __future__ import annotations

from fractions import Fraction

from papertape.testkit.candles import assert_equal, candle, candles, flat, values_of

BARS = candles(2_000)


def lines() -> list[float]:
    total = Fraction(0)
    result = []
    for bar in BARS:
        if bar.high != bar.low:
            share = ((bar.close - bar.low) - (bar.high - bar.close)) / (bar.high - bar.low)
            total += Fraction(share * bar.volume)
        result.append(float(total))
    return result


def test_the_line_adds_volume_by_the_place_of_the_close_and_does_not_drift() -> None:
    assert_equal(values_of("chaikin_ad", BARS), [*lines()], scale=0.0)


def test_the_oscillator_is_a_fast_average_of_the_line_less_a_slow_one_both_begun_with_its_first_value() -> None:
    fast = slow = lines()[0]
    expected: list[float | None] = []
    for at, line in enumerate(lines()):
        fast += 0.5 * (line - fast)
        slow += 2 / 11 * (line - slow)
        expected.append(fast - slow if at >= 9 else None)

    assert_equal(values_of("chaikin_oscillator", BARS), expected, scale=1000.0)


def test_small_volumes_by_hand() -> None:
    bars = [candle(10.0, 10.0, 6.0, volume=3.0), candle(7.0, 10.0, 6.0, volume=8.0), candle(6.0, 6.0, 6.0, volume=5.0)]

    assert values_of("chaikin_ad", bars) == [3.0, -1.0, -1.0]


def test_bars_without_a_range_or_without_volume_add_nothing() -> None:
    assert values_of("chaikin_ad", flat(1.0, 2.0, volume=5.0)) == [0.0, 0.0]
    assert values_of("chaikin_oscillator", [candle(2.0, 3.0, 1.0, volume=0.0)] * 10)[-1] == 0.0
