"""The comparison of a case: ours beside theirs, bar by bar, against what the file can tell."""

from __future__ import annotations

from typing import NamedTuple

from papertape.indicators.compute import compute_over_bars
from papertape.testkit.references.case import Case
from papertape.testkit.references.tables import Expected, read_bars, read_expected

LEAST_BARS = 2


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


class Comparison(NamedTuple):
    """A case with every bar that both could have."""

    case: Case
    differences: list[Difference]

    @property
    def beyond(self) -> list[Difference]:
        """The bars whose difference is greater than allowed."""
        return [one for one in self.differences if not one.size <= one.allowed]

    @property
    def largest(self) -> Difference:
        """The bar with the largest difference."""
        return max(self.differences, key=lambda one: one.size)

    @property
    def is_equal(self) -> bool:
        """Whether enough bars were compared and none is beyond what is allowed."""
        return len(self.differences) >= LEAST_BARS and not self.beyond


def compare(case: Case) -> Comparison:
    """Compute the case's kind over its bars and set it beside the expected column."""
    bars, expected = read_bars(case), read_expected(case)
    found = [value for _, value in compute_over_bars(case.kind, case.params, bars)][case.lead :]
    if case.less is not None:
        others = compute_over_bars(case.less[1], case.params, bars)[case.lead :]
        found = [_less(value, other) for value, (_, other) in zip(found, others, strict=True)]
    ours = [None] * case.shift + found[: len(found) - case.shift]
    return Comparison(case, _side_by_side(case, [_in_their_terms(case, value) for value in ours], expected))


def _less(value: float | None, other: float | None) -> float | None:
    return None if value is None or other is None else value - other


def _in_their_terms(case: Case, value: float | None) -> float | None:
    return None if value is None else case.times * value + case.plus


def _side_by_side(case: Case, ours: list[float | None], expected: Expected) -> list[Difference]:
    pairs = [
        (at, mine, theirs)
        for at, (mine, theirs) in enumerate(zip(ours, expected.values, strict=True))
        if theirs is not None
    ]
    base = 0.0
    if case.is_anchored and pairs:
        _, mine, theirs = pairs[0]
        base = (mine or 0.0) - theirs
    return [
        Difference(
            at, None if mine is None else mine - base, theirs, max(expected.tolerance(at), case.tolerance)
        )
        for at, mine, theirs in pairs
    ]
