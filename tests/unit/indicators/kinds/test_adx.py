"""Directional movement: both indicators, their index, its average and its rating."""

from __future__ import annotations

import itertools

from papertape.testkit.candles import assert_equal, candle, candles, each, flat, true_ranges, values_of

BARS = candles(300)
KINDS = ("plus_di", "minus_di", "dx", "adx", "adxr")


def moves(is_up: bool) -> list[float | None]:
    result: list[float | None] = [None]
    for last, bar in itertools.pairwise(BARS):
        up, down = bar.high - last.high, last.low - bar.low
        mine, other = (up, down) if is_up else (down, up)
        result.append(mine if mine > 0 and mine > other else 0.0)
    return result


def summed(numbers: list[float | None], period: int) -> list[float | None]:
    result: list[float | None] = []
    total = 0.0
    for at, number in enumerate(numbers):
        total += (number or 0.0) - (total / period if at >= period else 0.0)
        result.append(total if at >= period else None)
    return result


def test_directional_indicators_are_wilder_sums_of_movement_over_those_of_true_ranges() -> None:
    ranges = summed(true_ranges(BARS), 14)

    for kind, is_up in (("plus_di", True), ("minus_di", False)):
        expected = each(lambda x, r: 100 * x / r, summed(moves(is_up), 14), ranges)
        assert_equal(values_of(kind, BARS), expected, scale=10.0)


def test_adx_is_wilders_average_of_dx_and_adxr_its_mean_with_an_earlier_one() -> None:
    plus, minus = values_of("plus_di", BARS, period=5), values_of("minus_di", BARS, period=5)
    dx = each(lambda a, b: 100 * abs(a - b) / (a + b), plus, minus)
    adx: list[float | None] = [None] * 9
    adx.append(sum(value for value in dx[5:10] if value is not None) / 5)
    for value in dx[10:]:
        last = adx[-1]
        assert last is not None
        assert value is not None
        adx.append((last * 4 + value) / 5)

    assert_equal(values_of("dx", BARS, period=5), dx, scale=10.0)
    assert_equal(values_of("adx", BARS, period=5), adx, scale=10.0)
    assert_equal(values_of("adxr", BARS, period=5), each(lambda a, b: (a + b) / 2, adx, [*[None] * 4, *adx[:-4]]), 10.0)


def test_small_movements_by_hand() -> None:
    bars = [candle(10.0, 11.0, 9.0), candle(12.0, 13.0, 10.0), candle(11.0, 12.0, 8.0)]

    # Up 2 in a range of 3; then down 2 in a range of 4: sums 2 - 1, 0 + 2 and 3 - 1.5 + 4.
    assert_equal(values_of("plus_di", bars, period=2), [None, None, 100 / 5.5])
    assert_equal(values_of("minus_di", bars, period=2), [None, None, 200 / 5.5])
    assert_equal(values_of("dx", bars, period=2), [None, None, 100 / 3])


def test_prices_that_never_moved_give_0() -> None:
    for kind in KINDS:
        assert values_of(kind, flat(*[0.1] * 50))[-1] == 0.0


def test_a_market_that_falls_silent_keeps_its_index() -> None:
    silent = flat(*[BARS[39].close] * 2000)
    for kind in ("dx", "adx"):
        values = values_of(kind, BARS[:40] + silent)
        assert values[-1] is not None
        assert 0.0 <= values[-1] <= 100.0
