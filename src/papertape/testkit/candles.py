"""Bars for tests of indicators, and averages computed the slow and obvious way, each from all numbers again."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from math import fsum

from papertape.indicators.bars import Bar
from papertape.indicators.compute import compute_over_bars

MINUTE = 60_000_000

Number = float | None


def candle(close: float, high: float, low: float, open_: float | None = None, volume: float = 1.0) -> Bar:
    """Return a bar of the first minute; without an open it opens where it closes."""
    return Bar(0, MINUTE, close if open_ is None else open_, high, low, close, volume)


def flat(*closes: float, volume: float = 1.0) -> list[Bar]:
    """Return one bar for each close, without a range."""
    return [candle(close, close, close, volume=volume) for close in closes]


def bars_of(rows: Sequence[tuple[float, float, float, float]]) -> list[Bar]:
    """Return one-minute bars in a row, of high, low, close and volume; each opens where it closes."""
    return [
        Bar(at * MINUTE, (at + 1) * MINUTE, close, high, low, close, volume)
        for at, (high, low, close, volume) in enumerate(rows)
    ]


def candles(count: int, seed: int = 1, price: float = 100.0) -> list[Bar]:
    """Return bars that look like a market's: a walk of ticks with ties, bars without range and bars without volume."""
    state = seed
    made: list[Bar] = []
    tick = price / 10_000.0
    last = 10_000

    def draw(sides: int) -> int:
        nonlocal state
        state = (state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        return (state >> 33) % sides

    for _ in range(count):
        opened = last + draw(21) - 10
        closed = opened + draw(41) - 20 if draw(8) else opened
        above, below = (draw(15), draw(15)) if draw(8) else (0, 0)
        high, low = max(opened, closed) + above, min(opened, closed) - below
        volume = draw(100_000) / 1_000.0 if draw(8) else 0.0
        made.append(candle(closed * tick, high * tick, low * tick, opened * tick, volume))
        last = closed
    return made


def values_of(kind: str, bars: Sequence[Bar], **params: float) -> list[Number]:
    """Return the indicator's value after each bar, None while there is none."""
    return [value for _, value in compute_over_bars(kind, params, bars)]


def assert_equal(found: Sequence[Number], expected: Sequence[Number], scale: float = 1.0) -> None:
    """Assert that values are equal to 1e-12 of the greater of `scale` and the value, and missing in the same places."""
    assert [value is None for value in found] == [value is None for value in expected]
    wrong = [
        (at, mine, theirs)
        for at, (mine, theirs) in enumerate(zip(found, expected, strict=True))
        if mine is not None and theirs is not None and not abs(mine - theirs) <= 1e-12 * max(scale, abs(theirs))
    ]
    assert wrong == []
    assert sum(value is not None for value in found) >= 1


def each(step: Callable[..., float], *columns: Sequence[Number]) -> list[Number]:
    """Return `step` of each row of the columns, None where a number is missing."""
    return [None if None in row else step(*row) for row in zip(*columns, strict=True)]


def windows(numbers: Sequence[Number], period: int, step: Callable[[list[float]], float]) -> list[Number]:
    """Return `step` of the last `period` numbers at each place, None where there are not that many."""
    result: list[Number] = []
    for end in range(1, len(numbers) + 1):
        window = [number for number in numbers[max(end - period, 0) : end] if number is not None]
        result.append(step(window) if len(window) == period else None)
    return result


def sma(numbers: Sequence[Number], period: int) -> list[Number]:
    """Return the plain mean of the last `period` numbers at each place."""
    return windows(numbers, period, lambda window: fsum(window) / period)


def ema(numbers: Sequence[Number], period: int, weight: float | None = None) -> list[Number]:
    """Return the exponential average, seeded with the mean of the first `period` numbers; None before it."""
    weight = 2.0 / (period + 1) if weight is None else weight
    result: list[Number] = []
    seed: list[float] = []
    average = 0.0
    for number in numbers:
        if number is not None and len(seed) < period:
            seed.append(number)
            average = fsum(seed) / period
        elif number is not None:
            average = average * (1.0 - weight) + number * weight
        result.append(average if number is not None and len(seed) == period else None)
    return result


def wilder(numbers: Sequence[Number], period: int) -> list[Number]:
    """Return Wilder's average, seeded with the mean of the first `period` numbers; None before it."""
    return ema(numbers, period, 1.0 / period)


def changes(bars: Sequence[Bar]) -> list[Number]:
    """Return each close less the one before, None for the first."""
    return [None, *(bar.close - last.close for last, bar in itertools.pairwise(bars))]


def true_ranges(bars: Sequence[Bar]) -> list[Number]:
    """Return the true range of each bar, None for the first."""
    return [
        None,
        *(
            max(bar.high - bar.low, abs(bar.high - last.close), abs(bar.low - last.close))
            for last, bar in itertools.pairwise(bars)
        ),
    ]
