"""Triangular moving average."""

from __future__ import annotations

import pytest

from papertape.testkit.candles import assert_equal, candles, flat, values_of, windows

BARS = candles(200)


@pytest.mark.parametrize("period", [1, 2, 5, 6, 20])
def test_the_weights_rise_to_the_middle_and_fall_again(period: int) -> None:
    weights = [min(at, period + 1 - at) for at in range(1, period + 1)]

    def weighed(window: list[float]) -> float:
        return sum(price * weight for price, weight in zip(window, weights, strict=True)) / sum(weights)

    assert_equal(values_of("trima", BARS, period=period), windows([bar.close for bar in BARS], period, weighed))


def test_small_averages_by_hand() -> None:
    assert values_of("trima", flat(1.0, 2.0, 5.0), period=3) == [None, None, 2.5]


def test_equal_prices_give_exactly_that_price() -> None:
    assert values_of("trima", flat(*[0.1] * 30))[-1] == 0.1
