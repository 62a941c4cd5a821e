"""Force index."""

from __future__ import annotations

from papertape.testkit.candles import assert_equal, candles, changes, each, ema, flat, values_of

BARS = candles(200)


def test_it_is_an_average_of_change_times_volume() -> None:
    forces = each(lambda change, volume: change * volume, changes(BARS), [bar.volume for bar in BARS])

    assert_equal(values_of("force_index", BARS), ema(forces, 13), scale=100.0)


def test_a_period_of_1_is_the_force_of_the_last_bar() -> None:
    assert values_of("force_index", flat(1.0, 3.0, 2.0, volume=5.0), period=1) == [None, 10.0, -5.0]


def test_without_volume_it_is_0() -> None:
    assert values_of("force_index", flat(1.0, 3.0, 2.0, volume=0.0), period=2)[-1] == 0.0
