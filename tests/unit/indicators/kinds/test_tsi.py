"""True strength index."""

from __future__ import annotations

from papertape.testkit.candles import assert_equal, candles, changes, each, ema, flat, values_of

BARS = candles(300)


def test_it_is_changes_smoothed_twice_over_their_sizes_smoothed_twice() -> None:
    moved = ema(ema(changes(BARS), 25), 13)
    size = ema(ema(each(abs, changes(BARS)), 25), 13)

    assert_equal(values_of("tsi", BARS), each(lambda a, b: 100 * a / b, moved, size), scale=100.0)


def test_small_changes_by_hand() -> None:
    # Changes 2 and -1: averages of two, 0.5 and 1.5.
    assert_equal(values_of("tsi", flat(1.0, 3.0, 2.0), long=2, short=1), [None, None, 100 / 3])


def test_it_is_100_when_all_rose_and_0_when_nothing_moved() -> None:
    assert values_of("tsi", flat(*range(1, 50)))[-1] == 100.0
    assert values_of("tsi", flat(*[0.7] * 50))[-1] == 0.0
