"""True range."""

from __future__ import annotations

from papertape.testkit.candles import bars_of, values_of


def test_it_stretches_from_the_close_before() -> None:
    bars = bars_of([(5.0, 3.0, 4.0, 1.0), (9.0, 8.0, 8.0, 1.0), (7.0, 6.0, 6.5, 1.0), (7.0, 6.0, 6.5, 0.0)])

    assert values_of("true_range", bars) == [None, 5.0, 2.0, 1.0]
