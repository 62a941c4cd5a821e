"""Double exponential moving average."""

from __future__ import annotations

from papertape.testkit.candles import assert_equal, candles, flat, values_of


def test_it_takes_the_lag_off_an_average_once_both_are_seeded() -> None:
    # E1 = 2, 4, 6.666…; E2 = 3 (the mean of the first two), then 3 + 2/3 * (6.666… - 3).
    found = values_of("dema", flat(*[1.0, 3.0, 5.0, 8.0]), period=2)

    assert_equal(found, [None, None, 2 * 4.0 - 3.0, 2 * 20.0 / 3.0 - (3.0 + 2.0 / 3.0 * (20.0 / 3.0 - 3.0))])


def test_a_steady_rise_leaves_no_lag() -> None:
    found = values_of("dema", flat(*[float(at) for at in range(300)]), period=10)

    assert found[18] is not None
    assert_equal(found[290:], [float(at) for at in range(290, 300)])


def test_it_equals_an_average_of_an_average() -> None:
    bars = candles(300)
    once = values_of("ema", bars, period=7)
    twice = [*[None] * 6, *values_of("ema", flat(*[value for value in once if value is not None]), period=7)]
    slow = [None if a is None or b is None else 2.0 * a - b for a, b in zip(once, twice, strict=True)]

    assert_equal(values_of("dema", bars, period=7), slow)
