"""Stochastic oscillator, slow and fast."""

from __future__ import annotations

from papertape.indicators.bars import Bar
from papertape.testkit.candles import assert_equal, candle, candles, each, flat, sma, values_of, windows

BARS = candles(300)


def fast(bars: list[Bar], period: int) -> list[float | None]:
    high = windows([bar.high for bar in bars], period, max)
    low = windows([bar.low for bar in bars], period, min)
    return each(lambda c, h, low: 0.0 if h == low else 100 * (c - low) / (h - low), [b.close for b in bars], high, low)


def test_fast_k_is_the_closes_place_in_the_range_and_fast_d_its_average() -> None:
    assert_equal(values_of("stochastic_fast_k", BARS), fast(BARS, 14))
    assert_equal(values_of("stochastic_fast_d", BARS), sma(fast(BARS, 14), 3), scale=100.0)


def test_slow_k_is_an_average_of_fast_k_and_slow_d_an_average_of_slow_k() -> None:
    slow = sma(fast(BARS, 5), 4)

    assert_equal(values_of("stochastic_k", BARS, fast_k=5, slow_k=4), slow, scale=100.0)
    assert_equal(values_of("stochastic_d", BARS, fast_k=5, slow_k=4, slow_d=7), sma(slow, 7), scale=100.0)


def test_a_small_range_by_hand() -> None:
    bars = [candle(9.0, 12.0, 8.0), candle(10.0, 11.0, 6.0), candle(6.0, 10.0, 6.0)]

    assert_equal(values_of("stochastic_fast_k", bars, fast_k=2), [None, 400 / 6, 0.0])
    assert_equal(values_of("stochastic_k", bars, fast_k=2, slow_k=2), [None, None, 200 / 6])


def test_an_empty_range_gives_0_as_ta_lib() -> None:
    for kind in ("stochastic_fast_k", "stochastic_k", "stochastic_d", "stochastic_fast_d"):
        assert values_of(kind, flat(*[5.0] * 20))[-1] == 0.0
