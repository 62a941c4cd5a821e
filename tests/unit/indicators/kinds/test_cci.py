"""Commodity channel index."""

from __future__ import annotations

import pytest

from papertape.testkit.candles import assert_equal, candles, flat, values_of, windows

BARS = candles(300)


def slow(window: list[float]) -> float:
    if min(window) == max(window):
        return 0.0
    mean = sum(window) / len(window)
    deviation = sum(abs(price - mean) for price in window) / len(window)
    return (window[-1] - mean) / (0.015 * deviation)


@pytest.mark.parametrize("period", [2, 20, 33])
def test_it_is_the_distance_from_the_mean_in_mean_deviations(period: int) -> None:
    typical = [(bar.high + bar.low + bar.close) / 3 for bar in BARS]

    assert_equal(values_of("cci", BARS, period=period), windows(typical, period, slow), scale=1000.0)


def test_two_prices_by_hand() -> None:
    assert_equal(values_of("cci", flat(1.0, 3.0, 2.0), period=2), [None, 1 / 0.015, -1 / 0.015])


@pytest.mark.parametrize("price", [0.1, 1e-9, 4634.98, 1e12])
def test_equal_prices_give_0_and_not_the_rounding_of_their_mean(price: float) -> None:
    assert set(values_of("cci", flat(*[price] * 40))[19:]) == {0.0}
