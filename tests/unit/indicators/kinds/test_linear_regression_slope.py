"""Slope of the line through closes."""

from __future__ import annotations

import statistics

import pytest

from papertape.errors import Invalid
from papertape.indicators.catalogue import make_indicator
from papertape.testkit.candles import assert_equal, candles, flat, values_of


def test_it_is_the_rise_per_bar() -> None:
    assert values_of("linear_regression_slope", flat(*[1.0, 3.0, 5.0, 4.0]), period=3) == [None, None, 2.0, 0.5]


def test_equal_closes_have_no_slope() -> None:
    assert values_of("linear_regression_slope", flat(*[0.3, *[0.1] * 4]), period=3)[3:] == [0.0, 0.0]


def test_it_equals_least_squares() -> None:
    bars = candles(500)
    closes = [bar.close for bar in bars]
    steps = [float(at) for at in range(14)]
    slow = [
        None if at < 13 else statistics.linear_regression(steps, closes[at - 13 : at + 1]).slope
        for at in range(len(closes))
    ]

    assert_equal(values_of("linear_regression_slope", bars), slow)


def test_a_period_of_one_is_refused() -> None:
    with pytest.raises(Invalid, match="from 2 to 10000 bars"):
        make_indicator("linear_regression_slope", {"period": 1})
