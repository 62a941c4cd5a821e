"""Donchian channel."""

from __future__ import annotations

from papertape.testkit.candles import bars_of, candles, values_of


def test_it_holds_the_extremes_of_the_last_bars_the_newest_included() -> None:
    bars = bars_of([(5.0, 3.0, 4.0, 1.0), (4.0, 1.0, 2.0, 1.0), (3.0, 2.0, 3.0, 1.0), (9.0, 8.0, 8.0, 1.0)])

    assert values_of("donchian_upper", bars, period=2) == [None, 5.0, 4.0, 9.0]
    assert values_of("donchian_lower", bars, period=2) == [None, 1.0, 1.0, 2.0]
    assert values_of("donchian_middle", bars, period=2) == [None, 3.0, 2.5, 5.5]


def test_it_equals_a_search_of_all_bars() -> None:
    bars = candles(500)
    slow = [None if at < 19 else max(bar.high for bar in bars[at - 19 : at + 1]) for at in range(len(bars))]

    assert values_of("donchian_upper", bars) == slow
