"""On-balance volume."""

from __future__ import annotations

import itertools
from fractions import Fraction

from papertape.testkit.candles import assert_equal, candle, candles, flat, values_of


def test_volume_counts_with_the_sign_of_the_change_of_close_the_first_bars_as_a_rise() -> None:
    bars = [
        candle(5.0, 5.0, 5.0, volume=10.0),
        candle(6.0, 6.0, 6.0, volume=4.0),
        candle(6.0, 7.0, 5.0, volume=9.0),
        candle(5.0, 6.0, 5.0, volume=5.0),
    ]

    assert values_of("obv", bars) == [10.0, 14.0, 14.0, 9.0]


def test_a_long_course_does_not_drift() -> None:
    bars = candles(3_000)
    total = Fraction(bars[0].volume)
    for last, bar in itertools.pairwise(bars):
        total += Fraction(bar.volume) * ((bar.close > last.close) - (bar.close < last.close))

    assert_equal(values_of("obv", bars)[-1:], [float(total)], scale=0.0)


def test_without_volume_it_stays() -> None:
    assert values_of("obv", flat(1.0, 2.0, 3.0, volume=0.0)) == [0.0, 0.0, 0.0]
