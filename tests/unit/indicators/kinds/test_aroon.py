"""Aroon: how long ago the extremes were."""

from __future__ import annotations

from papertape.testkit.candles import assert_equal, candle, candles, each, flat, values_of, windows

BARS = candles(300)


def newness(numbers: list[float], period: int) -> list[float | None]:
    def newest_lowest(window: list[float]) -> float:
        age = window[::-1].index(min(window))
        return 100.0 * (period - age) / period

    return windows(numbers, period + 1, newest_lowest)


def test_each_tells_how_new_an_extreme_is_the_newest_of_equals() -> None:
    up = newness([-bar.high for bar in BARS], 14)
    down = newness([bar.low for bar in BARS], 14)

    assert_equal(values_of("aroon_up", BARS), up)
    assert_equal(values_of("aroon_down", BARS), down)
    assert_equal(values_of("aroon_oscillator", BARS), each(lambda a, b: a - b, up, down), scale=100.0)


def test_small_ages_by_hand() -> None:
    bars = [candle(5.0, 9.0, 4.0), candle(5.0, 8.0, 3.0), candle(5.0, 7.0, 4.0), candle(5.0, 6.0, 5.0)]

    assert values_of("aroon_up", bars, period=2) == [None, None, 0.0, 0.0]
    assert values_of("aroon_down", bars, period=2) == [None, None, 50.0, 0.0]
    assert values_of("aroon_oscillator", bars, period=2) == [None, None, -50.0, 0.0]


def test_of_equal_prices_the_newest_is_both_extremes() -> None:
    bars = flat(*[5.0] * 20)

    assert [values_of(kind, bars)[-1] for kind in ("aroon_up", "aroon_down", "aroon_oscillator")] == [100.0, 100.0, 0.0]
