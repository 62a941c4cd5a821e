"""Kaufman's adaptive moving average."""

from __future__ import annotations

import math

from papertape.testkit.candles import assert_equal, candles, flat, values_of


def test_a_straight_line_is_followed_at_the_fast_weight_from_the_close_before() -> None:
    found = values_of("kama", flat(*[1.0, 2.0, 3.0, 4.0]), period=2, fast=2, slow=30)
    first = 2.0 + 4.0 / 9.0 * (3.0 - 2.0)

    assert_equal(found, [None, None, first, first + 4.0 / 9.0 * (4.0 - first)])


def test_going_to_and_fro_is_followed_at_the_slow_weight() -> None:
    found = values_of("kama", flat(*[1.0, 2.0, 1.0]), period=2, fast=2, slow=30)

    assert_equal(found, [None, None, 2.0 + (2.0 / 31.0) ** 2 * (1.0 - 2.0)])


def test_a_still_price_counts_as_straight_and_is_reached() -> None:
    found = values_of("kama", flat(*[1.0, *[2.0] * 60]), period=3)

    assert found[-1] == 2.0


def test_it_equals_the_formula() -> None:
    bars = candles(300)
    closes = [bar.close for bar in bars]
    average = closes[9]
    slow: list[float | None] = [None] * 10
    for at in range(10, len(closes)):
        path = math.fsum(abs(closes[k] - closes[k - 1]) for k in range(at - 9, at + 1))
        ratio = abs(closes[at] - closes[at - 10]) / path
        average += (ratio * (2.0 / 3.0 - 2.0 / 31.0) + 2.0 / 31.0) ** 2 * (closes[at] - average)
        slow.append(average)

    assert_equal(values_of("kama", bars), slow)
