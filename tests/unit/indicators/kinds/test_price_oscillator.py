"""PPO and APO."""

from __future__ import annotations

from papertape.testkit.candles import assert_equal, candles, each, ema, flat, sma, values_of

BARS = candles(200)
CLOSES = [bar.close for bar in BARS]


def test_apo_is_the_distance_of_two_averages_each_seeded_at_its_own_first_value() -> None:
    exponential = each(lambda a, b: a - b, ema(CLOSES, 12), ema(CLOSES, 26))
    plain = each(lambda a, b: a - b, sma(CLOSES, 5), sma(CLOSES, 10))

    assert_equal(values_of("apo", BARS), exponential, scale=100.0)
    assert_equal(values_of("apo", BARS, fast=5, slow=10, plain=1), plain, scale=100.0)


def test_ppo_is_that_in_percent_of_the_slow_one() -> None:
    exponential = each(lambda a, b: (a - b) / b * 100, ema(CLOSES, 12), ema(CLOSES, 26))
    plain = each(lambda a, b: (a - b) / b * 100, sma(CLOSES, 5), sma(CLOSES, 10))

    assert_equal(values_of("ppo", BARS), exponential, scale=100.0)
    assert_equal(values_of("ppo", BARS, fast=5, slow=10, plain=1), plain, scale=100.0)


def test_small_averages_by_hand() -> None:
    assert values_of("apo", flat(1.0, 3.0), fast=1, slow=2) == [None, 1.0]
    assert values_of("ppo", flat(1.0, 3.0), fast=1, slow=2) == [None, 50.0]


def test_equal_prices_and_prices_of_0_give_0() -> None:
    assert values_of("ppo", flat(0.0, 0.0), fast=1, slow=2) == [None, 0.0]
    assert values_of("ppo", flat(7.0, 7.0, 7.0), fast=1, slow=2, plain=1) == [None, 0.0, 0.0]
