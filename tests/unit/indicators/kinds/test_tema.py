"""Triple exponential moving average."""

from __future__ import annotations

from papertape.testkit.candles import assert_equal, candles, flat, values_of


def averages(closes: list[float], period: int) -> list[float]:
    return [value for value in values_of("ema", flat(*closes), period=period) if value is not None]


def test_it_equals_an_average_of_an_average_of_an_average() -> None:
    bars = candles(300)
    once = averages([bar.close for bar in bars], 7)
    twice = averages(once, 7)
    thrice = averages(twice, 7)
    slow = [3.0 * a - 3.0 * b + c for a, b, c in zip(once[12:], twice[6:], thrice, strict=True)]

    assert_equal(values_of("tema", bars, period=7), [*[None] * 18, *slow])


def test_equal_closes_are_their_own_average() -> None:
    assert_equal(values_of("tema", flat(*[0.1] * 9), period=2)[4:], [0.1] * 5)
