"""SuperTrend."""

from __future__ import annotations

from papertape.testkit.candles import assert_equal, bars_of, candles, values_of


def test_it_trails_below_a_rise_and_changes_sides_when_a_close_passes_it() -> None:
    rows = [
        (10.5, 9.5, 10.0),
        (11.5, 10.5, 11.0),
        (12.5, 11.5, 12.0),
        (12.2, 11.2, 11.7),
        (9.0, 8.0, 8.5),
        (8.5, 7.5, 8.0),
    ]
    found = values_of("supertrend", bars_of([(*row, 1.0) for row in rows]), period=1, multiplier=1.0)

    # Bands of the fourth bar: 11.7 ± 1; the lower one may not fall below 10.7, and never did.
    assert_equal(found, [None, 11.0 - 1.5, 12.0 - 1.5, 11.7 - 1.0, 8.5 + 3.7, 8.0 + 1.0])


def test_it_is_always_on_the_other_side_of_the_close() -> None:
    bars = candles(1_000)
    found = values_of("supertrend", bars)

    sides = [bar.close > value for bar, value in zip(bars, found, strict=True) if value is not None]
    assert 10 < sum(sides) < 990


def test_equal_prices_meet_it() -> None:
    assert values_of("supertrend", bars_of([(0.1, 0.1, 0.1, 0.0)] * 4), period=2) == [None, None, 0.1, 0.1]
