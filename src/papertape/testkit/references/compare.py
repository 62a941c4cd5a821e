"""The comparison of a case: ours beside theirs, bar by bar, against what the file can tell."""

from __future__ import annotations

from typing import NamedTuple

from papertape.indicators.compute import compute_over_bars
from papertape.testkit.references.case import Case
from papertape.testkit.references.tables import Expected, read_bars, read_expected

LEAST_BARS = 2

Values = list[float | None]


class Difference(NamedTuple):
    """One compared bar: the file's row from 0, our value in their terms, theirs, and how far apart they may be."""

    row: int
    ours: float | None
    theirs: float
    allowed: float

    @property
    def size(self) -> float:
        """How far apart they are; a value we do not have is infinitely far."""
        return abs(self.ours - self.theirs) if self.ours is not None else float("inf")

    @property
    def is_beyond(self) -> bool:
        """Whether they are farther apart than they may be."""
        return not self.size <= self.allowed


class Comparison(NamedTuple):
    """What came of a case: how many bars have an expected value, the one that is most apart, and those too far apart.

    `started` is the first row with a value, theirs and ours.
    """

    case: Case
    bars: int
    largest: Difference
    beyond: list[Difference]
    started: tuple[int, int | None]

    @property
    def is_equal(self) -> bool:
        """Whether enough bars were compared and none is farther apart than it may be."""
        return self.bars >= LEAST_BARS and not self.beyond


def compare(case: Case) -> Comparison:
    """Compute the case's kind over its bars and set it beside the expected column.

    Raises:
        ValueError: the column has no value to compare.
    """
    expected = read_expected(case)
    ours = [None if value is None else case.times * value + case.plus for value in _ours(case)]
    pairs = _side_by_side(case, ours, expected)
    if not pairs:
        raise ValueError(f"{case.name} leaves no row to compare; look at its `after`, `before` and `unset`.")
    first = next((row for row, value in enumerate(ours) if value is not None), None)
    beyond = [pair for pair in pairs if pair.is_beyond]
    return Comparison(case, len(pairs), max(pairs, key=lambda pair: pair.size), beyond, (pairs[0].row, first))


def _ours(case: Case) -> Values:
    bars = read_bars(case)
    found = [value for _, value in compute_over_bars(case.kind, case.params, bars)]
    if case.less is not None:
        others = compute_over_bars(case.less[1], case.params, bars)
        found = [_less(value, other) for value, (_, other) in zip(found, others, strict=True)]
    return [*[None] * case.shift, *found[case.lead : len(found) - case.shift]]


def _less(value: float | None, other: float | None) -> float | None:
    return None if value is None or other is None else value - other


def _side_by_side(case: Case, ours: Values, expected: Expected) -> list[Difference]:
    pairs = [
        Difference(row, mine, theirs, max(expected.tolerance(row), case.tolerance))
        for row, (mine, theirs) in enumerate(zip(ours, expected.values, strict=True))
        if theirs is not None
    ]
    if not case.is_anchored or not pairs:
        return pairs
    base = (pairs[0].ours or 0.0) - pairs[0].theirs
    return [pair._replace(ours=None if pair.ours is None else pair.ours - base) for pair in pairs]
