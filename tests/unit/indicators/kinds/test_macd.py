"""MACD: its line, its signal and their distance."""

from __future__ import annotations

from papertape.testkit.candles import assert_equal, candles, each, ema, flat, values_of

BARS = candles(300)
CLOSES = [bar.close for bar in BARS]


def line(fast: int, slow: int) -> list[float | None]:
    late: list[float | None] = [None] * (slow - fast)
    return each(lambda a, b: a - b, [*late, *ema(CLOSES[slow - fast :], fast)], ema(CLOSES, slow))


def test_the_line_is_the_fast_average_less_the_slow_one_both_begun_at_the_same_bar() -> None:
    assert_equal(values_of("macd", BARS), line(12, 26), scale=100.0)
    assert_equal(values_of("macd", BARS, fast=3, slow=4), line(3, 4), scale=100.0)


def test_the_signal_is_the_lines_average_and_the_histogram_their_distance() -> None:
    signal = ema(line(12, 26), 9)

    assert_equal(values_of("macd_signal", BARS), signal, scale=100.0)
    assert_equal(values_of("macd_histogram", BARS), each(lambda a, b: a - b, line(12, 26), signal), scale=100.0)


def test_small_averages_by_hand() -> None:
    bars = flat(1.0, 2.0, 4.0, 8.0)

    # EMA(1): 2, 4, 8 from the second bar on; EMA(2), weight 2/3: 1.5, 19/6, 115/18.
    assert_equal(values_of("macd", bars, fast=1, slow=2), [None, 0.5, 4 - 19 / 6, 8 - 115 / 18], scale=10.0)
    assert_equal(values_of("macd_signal", bars, fast=1, slow=2, signal=2)[:3], [None, None, 2 / 3], scale=10.0)


def test_equal_prices_give_0() -> None:
    bars = flat(*[0.1] * 60)

    for kind in ("macd", "macd_signal", "macd_histogram"):
        assert {value for value in values_of(kind, bars) if value is not None} == {0.0}
