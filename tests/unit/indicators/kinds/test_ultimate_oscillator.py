"""Ultimate oscillator."""

from __future__ import annotations

import itertools

import pytest

from papertape.errors import Invalid
from papertape.testkit.candles import assert_equal, candle, candles, each, flat, true_ranges, values_of, windows

BARS = candles(300)


def share(period: int) -> list[float | None]:
    bought: list[float | None] = [None]
    bought += [bar.close - min(bar.low, last.close) for last, bar in itertools.pairwise(BARS)]
    return each(lambda a, b: a / b, windows(bought, period, sum), windows(true_ranges(BARS), period, sum))


def test_it_weighs_buying_pressure_of_three_periods() -> None:
    expected = each(lambda a, b, c: 100 * (4 * a + 2 * b + c) / 7, share(7), share(14), share(28))

    assert_equal(values_of("ultimate_oscillator", BARS), expected, scale=100.0)


def test_small_periods_by_hand() -> None:
    bars = [candle(5.0, 5.0, 5.0), candle(6.0, 7.0, 3.0), candle(8.0, 9.0, 5.0), candle(5.0, 9.0, 5.0)]

    # Bought 3 of 4, 3 of 4, 0 of 4: newest 0 of 4, two bars 3 of 8, three bars 6 of 12.
    expected = 100 * (4 * 0 + 2 * 3 / 8 + 6 / 12) / 7
    assert_equal(values_of("ultimate_oscillator", bars, short=1, medium=2, long=3), [None, None, None, expected])


def test_without_a_range_it_is_0() -> None:
    assert values_of("ultimate_oscillator", flat(*[5.0] * 30))[-1] == 0.0


def test_periods_out_of_order_are_refused_in_bars() -> None:
    with pytest.raises(
        Invalid, match="medium of ultimate_oscillator is 7 bars and short is 9 bars; medium must be greater"
    ):
        values_of("ultimate_oscillator", BARS, short=9, medium=7)
