"""Population variance."""

from __future__ import annotations

import statistics

import pytest

from papertape.testkit.candles import assert_equal, candles, flat, values_of


def test_it_divides_by_the_period() -> None:
    assert values_of("variance", flat(*[1.0, 3.0, 9.0]), period=2) == [None, 1.0, 9.0]


def test_one_close_and_equal_closes_do_not_vary() -> None:
    assert values_of("variance", flat(*[0.1, 0.3]), period=1) == [0.0, 0.0]
    assert values_of("variance", flat(*[9.9, *[0.1] * 8]), period=5)[5:] == [0.0] * 4


@pytest.mark.parametrize("price", [60_000.0, 1e-9, 1e13])
def test_small_changes_of_any_price_are_not_lost(price: float) -> None:
    bars = candles(500, price=price)
    closes = [bar.close for bar in bars]
    slow = [None if at < 19 else statistics.pvariance(closes[at - 19 : at + 1]) for at in range(len(closes))]

    assert_equal(values_of("variance", bars), slow, scale=0.0)


def test_a_steady_price_far_from_what_it_was_keeps_every_digit() -> None:
    closes = [50_000.0, *[60_000.0 + 0.01 * (at % 2) for at in range(30)]]
    found = values_of("variance", flat(*closes), period=10)

    assert_equal(found[10:], [statistics.pvariance(closes[-10:])] * 21)
