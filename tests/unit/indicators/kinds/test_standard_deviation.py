"""Population standard deviation."""

from __future__ import annotations

import statistics

from papertape.testkit.candles import assert_equal, candles, flat, values_of


def test_it_is_the_root_of_the_variance() -> None:
    assert values_of("standard_deviation", flat(*[1.0, 3.0, 9.0]), period=2) == [None, 1.0, 3.0]


def test_equal_closes_have_none_to_speak_of() -> None:
    assert values_of("standard_deviation", flat(*[9.9, *[0.1] * 8]), period=5)[5:] == [0.0] * 4


def test_it_equals_the_formula() -> None:
    bars = candles(500)
    closes = [bar.close for bar in bars]
    slow = [None if at < 13 else statistics.pstdev(closes[at - 13 : at + 1]) for at in range(len(closes))]

    assert_equal(values_of("standard_deviation", bars, period=14), slow)
