"""Hull moving average."""

from __future__ import annotations

import pytest

from papertape.testkit.candles import assert_equal, candles, flat, values_of


def weighted(closes: list[float], period: int) -> list[float]:
    return [value for value in values_of("wma", flat(*closes), period=period) if value is not None]


@pytest.mark.parametrize(("period", "half", "root"), [(16, 8, 4), (20, 10, 4), (9, 4, 3), (2, 1, 1), (3, 1, 1)])
def test_it_is_a_weighted_mean_of_weighted_means(period: int, half: int, root: int) -> None:
    bars = candles(200)
    closes = [bar.close for bar in bars]
    whole = weighted(closes, period)
    fast = weighted(closes, half)[period - half :]
    slow = weighted([2.0 * a - b for a, b in zip(fast, whole, strict=True)], root)

    assert_equal(values_of("hma", bars, period=period), [*[None] * (period + root - 2), *slow])


def test_equal_closes_are_their_own_average() -> None:
    assert values_of("hma", flat(*[0.5] * 25), period=16)[18:] == [0.5] * 7
