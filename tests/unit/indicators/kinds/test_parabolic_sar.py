"""Parabolic stop and reverse."""

from __future__ import annotations

from papertape.testkit.candles import assert_equal, bars_of, candles, values_of


def test_it_begins_at_the_low_of_the_first_bar_and_closes_in() -> None:
    bars = bars_of([(11.0, 10.0, 10.5, 1.0), (12.0, 11.0, 11.5, 1.0), (14.0, 12.0, 13.0, 1.0)])

    # EP 12, AF 0.02.
    assert_equal(values_of("parabolic_sar", bars), [None, 10.0, 10.0 + 0.02 * 2.0])


def test_a_touch_turns_it_to_the_extreme() -> None:
    bars = bars_of([(11.0, 10.0, 10.5, 1.0), (12.0, 11.0, 11.5, 1.0), (12.0, 9.0, 9.5, 1.0), (9.5, 8.0, 8.5, 1.0)])

    # Above the last two bars, then down by 0.02 * (12 - 9), then held out of the bar before.
    assert_equal(values_of("parabolic_sar", bars), [None, 10.0, 12.0, 12.0])


def test_a_fall_of_the_low_by_more_than_the_rise_of_the_high_begins_short() -> None:
    bars = bars_of([(11.0, 10.0, 10.5, 1.0), (11.5, 9.0, 9.5, 1.0)])

    # The second bar's high touches the first one's, and turns it at once.
    assert values_of("parabolic_sar", bars) == [None, 9.0]


def test_it_stays_out_of_the_bar_before() -> None:
    bars = candles(1_000)
    found = values_of("parabolic_sar", bars)

    for before, value in zip(bars, found[1:], strict=False):
        assert value is not None
        assert not before.low < value < before.high


def test_equal_prices_are_their_own_stop() -> None:
    assert values_of("parabolic_sar", bars_of([(0.1, 0.1, 0.1, 0.0)] * 4)) == [None, 0.1, 0.1, 0.1]
