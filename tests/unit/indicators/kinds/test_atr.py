"""Average true range."""

from __future__ import annotations

from papertape.testkit.candles import assert_equal, bars_of, candles, values_of


def test_it_begins_with_the_mean_of_true_ranges_and_moves_by_a_share() -> None:
    bars = bars_of([(11.0, 9.0, 10.0, 1.0), (13.0, 10.0, 12.0, 1.0), (16.0, 11.0, 14.0, 1.0), (14.0, 8.0, 9.0, 1.0)])

    assert values_of("atr", bars, period=2) == [None, None, 4.0, 5.0]


def test_a_gap_between_bars_counts() -> None:
    assert values_of("atr", bars_of([(10.0, 10.0, 10.0, 1.0), (21.0, 20.0, 20.5, 1.0)]), period=1) == [None, 11.0]


def test_equal_prices_have_no_range() -> None:
    assert values_of("atr", bars_of([(0.1, 0.1, 0.1, 0.0)] * 5), period=3) == [None, None, None, 0.0, 0.0]


def test_it_averages_the_true_ranges() -> None:
    bars = candles(300)
    ranges = [value for value in values_of("true_range", bars) if value is not None]
    average = sum(ranges[:14]) / 14.0
    slow: list[float | None] = [*[None] * 14, average]
    for found in ranges[14:]:
        average = (average * 13.0 + found) / 14.0
        slow.append(average)

    assert_equal(values_of("atr", bars), slow)
