"""Stochastic RSI."""

from __future__ import annotations

from papertape.testkit.candles import assert_equal, candles, changes, each, flat, sma, values_of, wilder, windows

BARS = candles(400)


def place(period: int, fast_k: int) -> list[float | None]:
    moves = changes(BARS)
    gain = wilder(each(lambda change: max(change, 0.0), moves), period)
    loss = wilder(each(lambda change: max(-change, 0.0), moves), period)
    # Rounded, because an RSI that stays where it is must not differ from itself.
    rsi = each(lambda up, down: round(100 * up / (up + down), 11), gain, loss)
    high, low = windows(rsi, fast_k, max), windows(rsi, fast_k, min)
    return each(lambda x, h, low: 0.0 if h == low else 100 * (x - low) / (h - low), rsi, high, low)


def nearly(found: list[float | None], expected: list[float | None]) -> None:
    assert_equal(each(lambda x: round(x, 6), found), each(lambda x: round(x, 6), expected), scale=2e6)


def test_k_is_the_place_of_the_rsi_in_its_range_and_d_its_average() -> None:
    nearly(values_of("stoch_rsi_k", BARS), place(14, 14))
    nearly(values_of("stoch_rsi_d", BARS), sma(place(14, 14), 3))


def test_a_smooth_k_is_an_average_too() -> None:
    nearly(values_of("stoch_rsi_k", BARS, period=7, fast_k=9, smooth=3), sma(place(7, 9), 3))
    nearly(values_of("stoch_rsi_d", BARS, period=7, fast_k=9, smooth=3, fast_d=5), sma(sma(place(7, 9), 3), 5))


def test_small_numbers_by_hand() -> None:
    # Of two changes: gains 1 then 0, losses 0 then 1; RSI 50, then 75 after a gain of 1, then 37.5 after a loss of 1.
    assert values_of("stoch_rsi_k", flat(1.0, 2.0, 1.0, 2.0, 1.0), period=2, fast_k=2) == [None, None, None, 100.0, 0.0]


def test_the_rsi_of_a_price_that_stays_makes_no_range_out_of_rounding() -> None:
    moved = flat(4620.0, 4625.0, 4634.97, 4631.33, 4634.5)
    values = values_of("stoch_rsi_k", moved + flat(*[4634.98] * 40), period=3, fast_k=5)

    assert values[-30:] == [0.0] * 30


def test_prices_that_never_moved_give_0() -> None:
    assert values_of("stoch_rsi_k", flat(*[3.0] * 30))[-1] == 0.0
    assert values_of("stoch_rsi_d", flat(*[3.0] * 31))[-1] == 0.0
