"""Chande momentum oscillator."""

from __future__ import annotations

from papertape.testkit.candles import assert_equal, candles, changes, each, flat, values_of, wilder

BARS = candles(300)


def test_it_is_rises_less_falls_over_their_sum() -> None:
    gain = wilder(each(lambda change: max(change, 0.0), changes(BARS)), 14)
    loss = wilder(each(lambda change: max(-change, 0.0), changes(BARS)), 14)

    assert_equal(values_of("cmo", BARS), each(lambda a, b: 100 * (a - b) / (a + b), gain, loss), scale=100.0)


def test_small_changes_by_hand() -> None:
    # Gains 3 and 0, losses 0 and 1; then half of each and 1 more gained.
    assert_equal(values_of("cmo", flat(1.0, 4.0, 3.0, 5.0), period=2), [None, None, 50.0, 100 * 1.5 / 2.0])


def test_it_is_100_when_all_rose_and_0_when_nothing_moved() -> None:
    assert values_of("cmo", flat(1.0, 2.0, 4.0), period=2)[-1] == 100.0
    assert values_of("cmo", flat(4.0, 2.0, 1.0), period=2)[-1] == -100.0
    assert values_of("cmo", flat(*[0.3] * 20))[-1] == 0.0
