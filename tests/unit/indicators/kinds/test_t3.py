"""Tillson's T3."""

from __future__ import annotations

from papertape.testkit.candles import assert_equal, candles, each, ema, flat, values_of

BARS = candles(300)
CLOSES = [bar.close for bar in BARS]


def generalised(numbers: list[float | None], period: int, v: float) -> list[float | None]:
    once = ema(numbers, period)
    return each(lambda a, b: a * (1 + v) - b * v, once, ema(once, period))


def test_it_weighs_the_last_four_of_six_averages() -> None:
    e3 = ema(ema(ema(CLOSES, 5), 5), 5)
    e4 = ema(e3, 5)
    e5 = ema(e4, 5)
    e6 = ema(e5, 5)
    v = 0.7
    expected = each(
        lambda a, b, c, d: a * (1 + v) ** 3 - 3 * b * v * (1 + v) ** 2 + 3 * c * v * v * (1 + v) - d * v**3,
        e3,
        e4,
        e5,
        e6,
    )

    assert_equal(values_of("t3", BARS), expected, scale=1000.0)


def test_it_is_a_generalised_double_average_three_times_over_once_the_seeds_have_decayed() -> None:
    expected = generalised(generalised(generalised([*CLOSES], 3, 0.5), 3, 0.5), 3, 0.5)

    assert_equal(values_of("t3", BARS, period=3, volume_factor=0.5)[100:], expected[100:], scale=1000.0)


def test_a_factor_of_0_leaves_a_triple_average_and_a_period_of_1_the_close() -> None:
    assert values_of("t3", BARS, period=1)[0] is not None
    assert_equal(values_of("t3", BARS, period=1), [*CLOSES], scale=1000.0)
    assert_equal(values_of("t3", BARS, period=2, volume_factor=0.0)[7:], ema(ema(ema(CLOSES, 2), 2), 2)[7:])


def test_equal_prices_give_that_price() -> None:
    assert_equal(values_of("t3", flat(*[0.1] * 30))[-1:], [0.1])
