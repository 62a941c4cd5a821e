"""Rate of change and momentum."""

from __future__ import annotations

from papertape.testkit.candles import assert_equal, candles, flat, values_of

BARS = candles(100)
CLOSES = [bar.close for bar in BARS]


def test_momentum_is_the_change_of_close_and_roc_that_in_percent() -> None:
    pairs = list(zip(CLOSES, CLOSES[10:], strict=False))
    cold: list[float | None] = [None] * 10

    assert_equal(values_of("momentum", BARS), cold + [new - old for old, new in pairs])
    assert_equal(values_of("roc", BARS), cold + [(new / old - 1) * 100 for old, new in pairs], scale=100.0)


def test_small_changes_by_hand() -> None:
    assert values_of("momentum", flat(4.0, 5.0, 3.0), period=1) == [None, 1.0, -2.0]
    assert values_of("roc", flat(4.0, 5.0, 3.0), period=2) == [None, None, -25.0]


def test_a_price_of_0_gives_a_rate_of_0() -> None:
    assert values_of("roc", flat(0.0, 5.0), period=1) == [None, 0.0]
