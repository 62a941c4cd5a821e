"""Keltner channels."""

from __future__ import annotations

from papertape.testkit.candles import assert_equal, bars_of, candles, values_of


def test_lines_stand_at_true_ranges_from_the_average() -> None:
    bars = bars_of([(11.0, 9.0, 10.0, 1.0), (13.0, 10.0, 12.0, 1.0), (16.0, 11.0, 14.0, 1.0)])
    lines = [
        values_of(f"keltner_{name}", bars, period=2, atr_period=2, multiplier=1.5)
        for name in ("upper", "middle", "lower")
    ]
    middle = 11.0 + 2.0 / 3.0 * 3.0

    # True ranges 3 and 5.
    assert lines == [[None, None, middle + 6.0], [None, 11.0, middle], [None, None, middle - 6.0]]


def test_they_are_made_of_the_average_and_the_true_range() -> None:
    bars = candles(300)
    slow = [
        None if average is None or spread is None else average + 2.0 * spread
        for average, spread in zip(values_of("ema", bars, period=20), values_of("atr", bars, period=10), strict=True)
    ]

    assert_equal(values_of("keltner_upper", bars), slow)
