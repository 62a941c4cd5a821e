"""Balance of power."""

from __future__ import annotations

from papertape.testkit.candles import candle, values_of


def test_it_is_the_move_of_the_bar_over_its_range() -> None:
    bars = [candle(7.0, 9.0, 5.0, 6.0), candle(5.0, 9.0, 5.0, 9.0), candle(5.0, 5.0, 5.0, 5.0)]

    assert values_of("bop", bars) == [0.25, -1.0, 0.0]
