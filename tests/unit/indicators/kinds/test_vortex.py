"""Vortex indicator."""

from __future__ import annotations

import itertools

from papertape.testkit.candles import assert_equal, candle, candles, each, flat, true_ranges, values_of, windows

BARS = candles(300)


def test_each_is_movement_from_one_extreme_to_the_next_opposite_one_over_the_true_ranges() -> None:
    pairs = list(itertools.pairwise(BARS))
    up: list[float | None] = [None, *(abs(bar.high - last.low) for last, bar in pairs)]
    down: list[float | None] = [None, *(abs(bar.low - last.high) for last, bar in pairs)]
    ranges = windows(true_ranges(BARS), 14, sum)

    assert_equal(values_of("vortex_plus", BARS), each(lambda a, b: a / b, windows(up, 14, sum), ranges))
    assert_equal(values_of("vortex_minus", BARS), each(lambda a, b: a / b, windows(down, 14, sum), ranges))


def test_small_movements_by_hand() -> None:
    bars = [candle(5.0, 6.0, 4.0), candle(7.0, 8.0, 5.0), candle(6.0, 9.0, 5.0)]

    # Up 4 and 4, down 1 and 3, ranges 3 and 4.
    assert_equal(values_of("vortex_plus", bars, period=2), [None, None, 8 / 7])
    assert_equal(values_of("vortex_minus", bars, period=2), [None, None, 4 / 7])


def test_without_a_range_both_are_0() -> None:
    assert values_of("vortex_plus", flat(*[5.0] * 16))[-1] == 0.0
    assert values_of("vortex_minus", flat(*[5.0] * 16))[-1] == 0.0
