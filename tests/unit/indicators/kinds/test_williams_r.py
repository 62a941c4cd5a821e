"""Williams %R."""

from __future__ import annotations

from papertape.testkit.candles import assert_equal, candle, candles, each, flat, values_of, windows

BARS = candles(300)


def test_it_is_the_distance_from_the_high_in_percent_of_the_range() -> None:
    high = windows([bar.high for bar in BARS], 14, max)
    low = windows([bar.low for bar in BARS], 14, min)
    closes = [bar.close for bar in BARS]

    expected = each(lambda c, h, low: -100 * (h - c) / (h - low), closes, high, low)
    assert_equal(values_of("williams_r", BARS), expected)


def test_a_small_range_by_hand() -> None:
    bars = [candle(9.0, 12.0, 8.0), candle(10.0, 11.0, 7.0), candle(7.0, 10.0, 7.0)]

    assert values_of("williams_r", bars, period=2) == [None, -40.0, -100.0]


def test_an_empty_range_gives_0_as_ta_lib() -> None:
    assert values_of("williams_r", flat(*[5.0] * 15))[-2:] == [0.0, 0.0]
