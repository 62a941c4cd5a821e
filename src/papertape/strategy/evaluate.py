"""The loop that answers every condition of an instance: true, false or undecided, with its distance and history.

All conditions are evaluated at every pass, also those a group would not need, so that hold times and near misses are
complete. No value is NaN.
"""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from math import nan

from papertape.model.buffers import Floats, Ints, floats, ints

FALSE, UNDECIDED, TRUE = 0, 1, 2
"""Kleene's three values, ordered so that `all` is the minimum, `any` the maximum and `none` 2 − the maximum."""

STRICT, INCLUSIVE, CROSSES = 0, 1, 2
"""Operators of a comparison: beyond the threshold, at or beyond it, and newly beyond it."""

ALL, ANY, NONE = 0, 1, 2

NEVER = -(1 << 62)

ROW = 6
"""Integers of a row: operator, indices of value, threshold and upper threshold, hold and window in µs (0: none)."""

GROUP = 3
"""Integers of a group: its word, where its members begin, how many they are."""


class Table:
    """The comparisons and groups of a program as columns of numbers, shared by all of its instances.

    A row with an upper threshold other than its threshold is a range: sign 1 inside, -1 outside.
    """

    __slots__ = ("group_count", "groups", "members", "row_count", "rows", "signs", "value_count")
    row_count: int
    group_count: int
    value_count: int
    rows: Ints
    signs: Floats
    groups: Ints
    members: Ints

    def __init__(self, row_count: int, group_count: int, member_count: int, value_count: int) -> None:
        self.row_count = row_count
        self.group_count = group_count
        self.value_count = value_count
        self.rows = ints(max(1, ROW * row_count))
        self.signs = floats(max(1, row_count))
        self.groups = ints(max(1, GROUP * group_count))
        self.members = ints(max(1, member_count))


class Memory:
    """What an instance remembers of its conditions, and the values they are about.

    `ints` holds one answer per row and group, then since when each comparison is true without a break, then when each
    condition, hold included, was true last. `floats` holds the signed distance of each row (at most 0 beyond the
    threshold, NaN while undecided), then its smallest and its largest distance in the session.
    """

    __slots__ = ("floats", "ints", "table", "ts", "values")
    table: Table
    ts: int
    values: Floats
    ints: Ints
    floats: Floats

    def __init__(self, table: Table) -> None:
        count, groups = table.row_count, table.group_count
        self.table = table
        self.ts = NEVER
        self.values = floats(max(1, table.value_count))
        self.ints = ints(max(1, 3 * count + groups))
        self.floats = floats(max(1, 3 * count))
        for index in range(count):
            self.ints[index] = UNDECIDED
            self.ints[count + groups + index] = NEVER
            self.ints[2 * count + groups + index] = NEVER
            self.floats[index] = nan
            self.floats[count + index] = nan
        for index in range(groups):
            self.ints[count + index] = UNDECIDED if table.groups[GROUP * index + 2] else TRUE

    def answer(self, index: int) -> int:
        """Return the answer of a row, or of a group after the rows."""
        return self.ints[index]

    def gap(self, row: int) -> float:
        """Return the signed distance of a row, NaN while undecided."""
        return self.floats[row]

    def closest(self, row: int) -> float:
        """Return the smallest distance of a row in the session, NaN where there was none."""
        return self.floats[self.table.row_count + row]

    def farthest(self, row: int) -> float:
        """Return the largest distance of a row in the session."""
        return self.floats[2 * self.table.row_count + row]

    def true_since(self, row: int) -> int:
        """Return since when a comparison is true without a break, `NEVER` where it is not."""
        return self.ints[self.table.row_count + self.table.group_count + row]

    def last_true(self, row: int) -> int:
        """Return when a condition was true last, `NEVER` where it never was."""
        return self.ints[2 * self.table.row_count + self.table.group_count + row]

    def evaluate(self, ts: int) -> None:
        """Answer every row and group as of `ts` (microseconds UTC).

        A comparison with a missing value is undecided and breaks a hold; a cross is undecided until there is a value
        to cross from. `within` stays true on what was true in its window, also while undecided.
        """
        self.ts = ts
        table = self.table
        rows: Ints = table.rows
        values: Floats = self.values
        answers: Ints = self.ints
        distances: Floats = self.floats
        signs: Floats = table.signs
        count = table.row_count
        since = count + table.group_count
        at = 0
        for index in range(count):
            value = values[rows[at + 1]]
            threshold = values[rows[at + 2]]
            gap = (threshold - value) * signs[index]
            if rows[at + 3] != rows[at + 2]:
                gap = max(threshold - value, value - values[rows[at + 3]]) * signs[index]
            answer = UNDECIDED
            if gap == gap:
                answer = TRUE if gap < 0.0 or (gap == 0.0 and rows[at] == INCLUSIVE) else FALSE
                distance = max(0.0, gap)
                if rows[at] == CROSSES:
                    answer = _crossed(distances[index], answer)
                    distance = 0.0 if answer == TRUE else abs(gap)
                # A closest distance that is NaN is none yet.
                if not distance >= distances[count + index]:
                    distances[count + index] = distance
                if distance > distances[2 * count + index]:
                    distances[2 * count + index] = distance
            distances[index] = gap
            if answer == TRUE or rows[at + 5]:
                answer = _hold(self, table, index, at, answer)
            elif answers[since + index] != NEVER:
                answers[since + index] = NEVER
            answers[index] = answer
            at += ROW
        for index in range(table.group_count):
            _combine(self, table, index)


def _crossed(before: float, answer: int) -> int:
    if before != before:
        return UNDECIDED
    return FALSE if before < 0.0 else answer


def _hold(memory: Memory, table: Table, index: int, at: int, answer: int) -> int:
    ts = memory.ts
    rows: Ints = table.rows
    times: Ints = memory.ints
    since = table.row_count + table.group_count + index
    last = since + table.row_count
    if answer == TRUE:
        if times[since] == NEVER:
            times[since] = ts
        if ts - times[since] >= rows[at + 4]:
            times[last] = ts
        else:
            answer = FALSE
    else:
        times[since] = NEVER
    within = rows[at + 5]
    return TRUE if within and times[last] >= ts - within else answer


def _combine(memory: Memory, table: Table, index: int) -> None:
    groups: Ints = table.groups
    members: Ints = table.members
    answers: Ints = memory.ints
    word = groups[GROUP * index]
    first = groups[GROUP * index + 1]
    worst, best = TRUE, FALSE
    for member in range(first, first + groups[GROUP * index + 2]):
        answer = answers[members[member]]
        if answer < worst:
            worst = answer
        if answer > best:
            best = answer
    if word == ALL:
        answers[table.row_count + index] = worst
    else:
        answers[table.row_count + index] = best if word == ANY else 2 - best
