"""Zero-lag exponential moving average."""

from __future__ import annotations

import pytest

from papertape.testkit.candles import assert_equal, candles, ema, flat, values_of

BARS = candles(200)


@pytest.mark.parametrize(("period", "lag"), [(1, 0), (2, 0), (5, 2), (20, 9)])
def test_it_averages_closes_pushed_ahead_by_their_change_over_the_lag(period: int, lag: int) -> None:
    closes = [bar.close for bar in BARS]
    ahead: list[float | None] = [None] * lag
    ahead += [2 * close - closes[at] for at, close in enumerate(closes[lag:])]

    assert_equal(values_of("zlema", BARS, period=period), ema(ahead, period))


def test_small_averages_by_hand() -> None:
    # Lag 1: 3 and 7 and 6; the first three are averaged.
    assert_equal(values_of("zlema", flat(1.0, 2.0, 4.5, 5.25), period=3), [None, None, None, 16 / 3])


def test_equal_prices_give_exactly_that_price() -> None:
    assert values_of("zlema", flat(*[0.1] * 40))[-1] == 0.1
