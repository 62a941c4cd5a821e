"""Mass index."""

from __future__ import annotations

from papertape.testkit.candles import assert_equal, candle, candles, each, ema, flat, values_of, windows

BARS = candles(300)


def test_it_is_the_sum_of_an_average_range_over_its_own_average() -> None:
    once = ema([bar.high - bar.low for bar in BARS], 9)
    ratios = each(lambda a, b: a / b, once, ema(once, 9))

    assert_equal(values_of("mass_index", BARS), windows(ratios, 25, sum))


def test_ranges_that_widen_by_hand() -> None:
    bars = [candle(1.0, 1.0 + span, 1.0) for span in (1.0, 1.0, 2.0)]

    # Averages with weight 2/3: 1, 5/3, and of those 4/3.
    assert_equal(values_of("mass_index", bars, average=2, period=1), [None, None, 5 / 4])


def test_without_any_range_each_ratio_is_1() -> None:
    assert values_of("mass_index", flat(*[5.0] * 50))[-1] == 25.0
