"""The loop that answers every condition of an instance: true, false or undecided, with its distance and history.

This is the inside that a compiled kernel replaces: numbers in lists, no objects made, no calls out. All conditions are
evaluated at every pass, also those a group would not need, so that hold times and near misses are complete.
"""

from __future__ import annotations

from papertape.strategy.program import (
    ALL,
    ANY,
    CROSSES,
    FALSE,
    INCLUSIVE,
    TRUE,
    UNDECIDED,
    Program,
)

NEVER = -(1 << 62)


class Memory:
    """What an instance remembers of its conditions, one column per fact and one element per row.

    `gaps`: signed distance, at most 0 beyond the threshold, None while undecided. `true_since`: when the comparison
    became true without a break since. `last_true`: when the condition, hold included, was true last. `closest` and
    `farthest`: smallest and largest distance in the session.
    """

    __slots__ = ("answers", "closest", "farthest", "gaps", "last_true", "true_since", "ts")

    def __init__(self, program: Program) -> None:
        count = len(program.rows)
        self.ts = NEVER
        asked = [UNDECIDED if members else TRUE for _, members in program.groups]
        self.answers: list[int] = [*([UNDECIDED] * count), *asked]
        self.gaps: list[float | None] = [None] * count
        self.true_since = [NEVER] * count
        self.last_true = [NEVER] * count
        self.closest: list[float | None] = [None] * count
        self.farthest = [0.0] * count


def evaluate(program: Program, memory: Memory, values: list[float | None], ts: int) -> None:
    """Answer every row and group as of `ts` (microseconds UTC), in place.

    A comparison with a missing value is undecided and breaks a hold; a cross is undecided until there is a value to
    cross from. `within` stays true on what was true in its window, also while undecided.
    """
    memory.ts = ts
    _compare(program, memory, values)
    _hold(program, memory, ts)
    answers = memory.answers
    index = len(program.rows)
    for word, members in program.groups:
        if word == ALL:
            answers[index] = min([answers[member] for member in members], default=TRUE)
        else:
            best = max([answers[member] for member in members])
            answers[index] = best if word == ANY else 2 - best
        index += 1


def _compare(program: Program, memory: Memory, values: list[float | None]) -> None:
    answers, gaps, closest, farthest = memory.answers, memory.gaps, memory.closest, memory.farthest
    index = -1
    for operator, sign, left, right, upper, _, _ in program.rows:
        index += 1
        value, threshold = values[left], values[right]
        if value is None or threshold is None:
            gaps[index] = None
            answers[index] = UNDECIDED
            continue
        gap = (threshold - value) * sign
        if upper != right:
            gap = max(threshold - value, value - (values[upper] or 0.0)) * sign
        answer = TRUE if gap < 0.0 or (gap == 0.0 and operator == INCLUSIVE) else FALSE
        distance = max(0.0, gap)
        if operator == CROSSES:
            before = gaps[index]
            answer = UNDECIDED if before is None else (TRUE if answer == TRUE and before >= 0.0 else FALSE)
            distance = 0.0 if answer == TRUE else abs(gap)
        gaps[index] = gap
        answers[index] = answer
        best = closest[index]
        if best is None or distance < best:
            closest[index] = distance
        if distance > farthest[index]:
            farthest[index] = distance


def _hold(program: Program, memory: Memory, ts: int) -> None:
    answers, true_since, last_true = memory.answers, memory.true_since, memory.last_true
    index = -1
    for row in program.rows:
        index += 1
        if answers[index] == TRUE:
            if true_since[index] == NEVER:
                true_since[index] = ts
            if ts - true_since[index] >= row[5]:
                last_true[index] = ts
            else:
                answers[index] = FALSE
        else:
            true_since[index] = NEVER
        within = row[6]
        if within and last_true[index] >= ts - within:
            answers[index] = TRUE
