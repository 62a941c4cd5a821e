"""Linearly weighted moving average."""

from __future__ import annotations

import math

from papertape.testkit.candles import assert_equal, candles, flat, values_of


def test_the_newest_close_weighs_most() -> None:
    assert values_of("wma", flat(*[6.0, 6.0, 12.0, 6.0]), period=3) == [None, None, 9.0, 8.0]


def test_it_does_not_drift() -> None:
    bars = candles(2_000)
    closes = [bar.close for bar in bars]
    slow = [
        None if at < 9 else math.fsum(k * closes[at - 10 + k] for k in range(1, 11)) / 55.0 for at in range(len(closes))
    ]

    assert_equal(values_of("wma", bars, period=10), slow)
