"""Linearly weighted moving average."""

from __future__ import annotations

import math

from papertape.testkit.bar_streams import assert_same, bars_of_closes, values, walk


def test_the_newest_close_weighs_most() -> None:
    assert values("wma", bars_of_closes([6.0, 6.0, 12.0, 6.0]), period=3) == [None, None, 9.0, 8.0]


def test_it_does_not_drift() -> None:
    bars = walk(2_000)
    closes = [bar.close for bar in bars]
    slow = [
        None if at < 9 else math.fsum(k * closes[at - 10 + k] for k in range(1, 11)) / 55.0 for at in range(len(closes))
    ]

    assert_same(values("wma", bars, period=10), slow, 1e-15)
