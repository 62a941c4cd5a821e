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
        # Buffers are reached through their owners each time: a name of its own for one is counted, atomically.
        self.ts = ts
        table = self.table
        count = table.row_count
        at = 0
        for index in range(count):
            value = self.values[table.rows[at + 1]]
            threshold = self.values[table.rows[at + 2]]
            gap = (threshold - value) * table.signs[index]
            if table.rows[at + 3] != table.rows[at + 2]:
                gap = max(threshold - value, value - self.values[table.rows[at + 3]]) * table.signs[index]
            answer = UNDECIDED
            if gap == gap:
                answer = _judge(self, index, table.rows[at], gap, count)
            self.floats[index] = gap
            if answer == TRUE or table.rows[at + 5]:
                answer = _hold(self, table, index, at, answer)
            elif self.ints[count + table.group_count + index] != NEVER:
                self.ints[count + table.group_count + index] = NEVER
            self.ints[index] = answer
            at += ROW
        for index in range(table.group_count):
            _combine(self, table, index)


def _judge(memory: Memory, index: int, operator: int, gap: float, count: int) -> int:
    answer = TRUE if gap < 0.0 or (gap == 0.0 and operator == INCLUSIVE) else FALSE
    distance = max(0.0, gap)
    if operator == CROSSES:
        before = memory.floats[index]
        if before != before:
            answer = UNDECIDED
        elif before < 0.0:
            answer = FALSE
        distance = 0.0 if answer == TRUE else abs(gap)
    # A closest distance that is NaN is none yet.
    if not distance >= memory.floats[count + index]:
        memory.floats[count + index] = distance
    if distance > memory.floats[2 * count + index]:
        memory.floats[2 * count + index] = distance
    return answer


def _hold(memory: Memory, table: Table, index: int, at: int, answer: int) -> int:
    ts = memory.ts
    since = table.row_count + table.group_count + index
    last = since + table.row_count
    if answer == TRUE:
        if memory.ints[since] == NEVER:
            memory.ints[since] = ts
        if ts - memory.ints[since] >= table.rows[at + 4]:
            memory.ints[last] = ts
        else:
            answer = FALSE
    else:
        memory.ints[since] = NEVER
    within = table.rows[at + 5]
    return TRUE if within and memory.ints[last] >= ts - within else answer


def _combine(memory: Memory, table: Table, index: int) -> None:
    word = table.groups[GROUP * index]
    first = table.groups[GROUP * index + 1]
    worst, best = TRUE, FALSE
    for member in range(first, first + table.groups[GROUP * index + 2]):
        answer = memory.ints[table.members[member]]
        if answer < worst:
            worst = answer
        if answer > best:
            best = answer
    if word == ALL:
        memory.ints[table.row_count + index] = worst
    else:
        memory.ints[table.row_count + index] = best if word == ANY else 2 - best
