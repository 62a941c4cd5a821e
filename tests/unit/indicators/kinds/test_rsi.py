"""Relative strength index."""

from __future__ import annotations

from papertape.testkit.candles import flat, values_of


def test_it_is_the_share_of_gains() -> None:
    # Gains 3, then 0; losses 0, then 1; then a gain of 4 moves both by a half.
    assert values_of("rsi", flat(*[10.0, 13.0, 12.0, 16.0]), period=2) == [None, None, 75.0, 100.0 * 2.75 / 3.0]


def test_it_ends_at_100_and_0_and_is_50_while_nothing_moves() -> None:
    assert values_of("rsi", flat(*[1.0, 2.0, 3.0]), period=2)[-1] == 100.0
    assert values_of("rsi", flat(*[3.0, 2.0, 1.0]), period=2)[-1] == 0.0
    assert values_of("rsi", flat(*[0.1] * 4), period=2)[2:] == [50.0, 50.0]
