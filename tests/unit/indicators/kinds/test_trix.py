"""TRIX."""

from __future__ import annotations

import itertools

from papertape.testkit.candles import assert_equal, candles, ema, flat, values_of

BARS = candles(300)


def test_it_is_the_change_of_a_triple_average_in_percent() -> None:
    triple = ema(ema(ema([bar.close for bar in BARS], 15), 15), 15)
    expected = [
        None if old is None or new is None else (new - old) / old * 100 for old, new in itertools.pairwise(triple)
    ]

    assert_equal(values_of("trix", BARS), [None, *expected], scale=100.0)


def test_a_period_of_1_is_the_change_of_close() -> None:
    assert values_of("trix", flat(4.0, 5.0, 4.0), period=1) == [None, 25.0, -20.0]


def test_equal_prices_and_prices_of_0_give_0() -> None:
    assert values_of("trix", flat(*[0.1] * 50))[-1] == 0.0
    assert values_of("trix", flat(*[0.0] * 50))[-1] == 0.0
