"""Bars for tests of indicators, from rows or a seeded walk, and the values of a kind over them."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from papertape.indicators.bars import Bar
from papertape.indicators.compute import compute_over_bars

MINUTE = 60_000_000

Prices = tuple[float, float, float, float]
"""High, low, close and volume of a bar."""


def bars_of_closes(closes: Sequence[float], volume: float = 1.0) -> list[Bar]:
    """Return one-minute bars that never left their close."""
    return bars_of([(close, close, close, volume) for close in closes])


def bars_of(rows: Sequence[Prices]) -> list[Bar]:
    """Return one-minute bars of high, low, close and volume; each opens at its close."""
    return [
        Bar(at * MINUTE, (at + 1) * MINUTE, close, high, low, close, volume)
        for at, (high, low, close, volume) in enumerate(rows)
    ]


def walk(count: int, *, seed: int = 7, price: float = 60_000.0) -> list[Bar]:
    """Return bars of a seeded walk, some without volume, some without a range, some after a jump."""
    random = Random(seed)
    bars = []
    for at in range(count):
        opened = price * (1.0 + (random.gauss(0.0, 0.03) if random.random() < 0.05 else 0.0))
        price = opened * (1.0 + random.gauss(0.0, 0.002))
        if random.random() < 0.1:
            bars.append(Bar(at * MINUTE, (at + 1) * MINUTE, price, price, price, price, 0.0))
            continue
        high = max(opened, price) * (1.0 + abs(random.gauss(0.0, 0.001)))
        low = min(opened, price) * (1.0 - abs(random.gauss(0.0, 0.001)))
        bars.append(Bar(at * MINUTE, (at + 1) * MINUTE, opened, high, low, price, random.expovariate(0.1)))
    return bars


def values(kind: str, bars: Sequence[Bar], **params: float) -> list[float | None]:
    """Return the kind's value at each bar's close, None while it has none."""
    return [value for _, value in compute_over_bars(kind, params, bars)]


def assert_same(found: Sequence[float | None], expected: Sequence[float | None], relative: float = 1e-12) -> None:
    """Assert that both have values at the same bars, no further apart than `relative` of the greatest expected one."""
    assert [value is None for value in found] == [value is None for value in expected]
    scale = max((abs(value) for value in expected if value is not None), default=0.0)
    wrong = [
        (at, mine, theirs)
        for at, (mine, theirs) in enumerate(zip(found, expected, strict=True))
        if mine is not None and theirs is not None and abs(mine - theirs) > relative * scale
    ]
    assert wrong == []
