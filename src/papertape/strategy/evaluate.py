"""The loop that answers every condition of an instance: true, false or undecided, with its distance and history.

All conditions are evaluated at every pass, also those a group would not need, so that hold times and near misses are
complete. No value is NaN.
"""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from math import nan

from papertape.indicators.run import Run
from papertape.model.buffers import Floats, Ints, floats, ints

FALSE, UNDECIDED, TRUE = 0, 1, 2
"""Kleene's three values, ordered so that `all` is the minimum, `any` the maximum and `none` 2 − the maximum."""

STRICT, INCLUSIVE, CROSSES = 0, 1, 2
"""Operators of a comparison: beyond the threshold, at or beyond it, and newly beyond it."""

ALL, ANY, NONE = 0, 1, 2

NEVER = -(1 << 62)

ROW = 6
"""Integers of a row: operator, indices of value, threshold and upper threshold, hold and window in µs (0: none)."""

SHORTEST_LEAP, LONGEST_LEAP = 16, 128
"""How many events are tried row by row: twice as many after each time that nothing came true."""

GROUP = 3
"""Integers of a group: its word, where its members begin, how many they are."""


class Table:
    """The comparisons and groups of a program as columns of numbers, shared by all of its instances.

    A row with an upper threshold other than its threshold is a range: sign 1 inside, -1 outside. `reached` and what is
    `kept` of a memory are of the leap that is tried.
    """

    __slots__ = (
        "group_count",
        "groups",
        "kept_floats",
        "kept_ints",
        "members",
        "reached",
        "row_count",
        "rows",
        "signs",
        "value_count",
    )
    row_count: int
    group_count: int
    value_count: int
    rows: Ints
    signs: Floats
    groups: Ints
    members: Ints
    reached: Ints
    kept_ints: Ints
    kept_floats: Floats

    def __init__(self, row_count: int, group_count: int, member_count: int, value_count: int) -> None:
        self.row_count = row_count
        self.group_count = group_count
        self.value_count = value_count
        self.rows = ints(max(1, ROW * row_count))
        self.signs = floats(max(1, row_count))
        self.groups = ints(max(1, GROUP * group_count))
        self.members = ints(max(1, member_count))
        self.reached = ints(max(1, row_count + group_count))
        self.kept_ints = ints(max(1, 3 * row_count + group_count))
        self.kept_floats = floats(max(1, 3 * row_count))


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
            _combine(self, table, index)

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
        _answer(self, ts)

    def run(self, run: Run, slots: Ints, count: int, first: int, until: int, one: int, other: int, end_ts: int) -> int:
        """Answer as of each event of a run from `first` on, and return the first one at which something may happen.

        That is when the row or group `one` or `other` (-1: none) is true or time reaches `end_ts`; `until` when there
        is none before it. The first `count` values are those of `slots` in the run's rows; the rest stays.
        """
        times: Ints = run.times
        at, length = first, SHORTEST_LEAP
        while at < until:
            end = min(until, at + length)
            if times[end - 1] < end_ts:
                at = self._leap(run, slots, count, at, end, one, other)
            length = min(2 * length, LONGEST_LEAP) if at == end else SHORTEST_LEAP
            while at < end:
                self._read(run, slots, count, at)
                _answer(self, times[at])
                if times[at] >= end_ts or self._is_true(one) or self._is_true(other):
                    return at
                at += 1
        return at

    def _is_true(self, index: int) -> bool:
        return index >= 0 and self.ints[index] == TRUE

    def _read(self, run: Run, slots: Ints, count: int, at: int) -> None:
        values: Floats = self.values
        known: Floats = run.values
        base = at * run.width
        for place in range(count):
            values[place] = known[base + slots[place]]

    def _leap(self, run: Run, slots: Ints, count: int, first: int, until: int, one: int, other: int) -> int:
        # Answers row by row instead of event by event, up to where neither may be true; returns how far it came.
        _copy_ints(self.ints, self.table.kept_ints)
        _copy_floats(self.floats, self.table.kept_floats)
        if not self._leap_rows(run, slots, count, first, until):
            self._back()
            return first
        bound = _first_reached(self.table, one, other, first, until)
        if bound < until:
            self._back()
            if bound == first:
                return first
            self._leap_rows(run, slots, count, first, bound)
        self._read(run, slots, count, bound - 1)
        self.ts = run.times[bound - 1]
        for index in range(self.table.group_count):
            _combine(self, self.table, index)
        return bound

    def _leap_rows(self, run: Run, slots: Ints, count: int, first: int, until: int) -> bool:
        reached: Ints = self.table.reached
        for index in range(self.table.row_count):
            reached[index] = _leap_row(self, index, run, slots, count, first, until)
            if reached[index] < 0:
                return False
        return True

    def _back(self) -> None:
        _copy_ints(self.table.kept_ints, self.ints)
        _copy_floats(self.table.kept_floats, self.floats)


def _copy_ints(source: Ints, target: Ints) -> None:
    for index in range(len(source)):
        target[index] = source[index]


def _copy_floats(source: Floats, target: Floats) -> None:
    for index in range(len(source)):
        target[index] = source[index]


def _leap_row(memory: Memory, index: int, run: Run, slots: Ints, count: int, first: int, until: int) -> int:
    # One row over some events; returns where it was true first, `until` for nowhere, -1 where `_answer` must see to it.
    table = memory.table
    rows: Ints = table.rows
    place = ROW * index
    row_count, since = table.row_count, table.row_count + table.group_count + index
    if rows[place + 4] or rows[place + 5] or rows[place + 3] != rows[place + 2]:
        return -1
    values: Floats = memory.values
    known: Floats = run.values
    times: Ints = run.times
    distances: Floats = memory.floats
    answers: Ints = memory.ints
    places: Ints = slots
    width, operator, sign = run.width, rows[place], table.signs[index]
    of_value, of_threshold = rows[place + 1], rows[place + 2]
    value, threshold = values[of_value], values[of_threshold]
    value_at = first * width + places[of_value] if of_value < count else -1
    threshold_at = first * width + places[of_threshold] if of_threshold < count else -1
    before, closest, farthest = distances[index], distances[row_count + index], distances[2 * row_count + index]
    begun, last, reached, answer = answers[since], answers[since + row_count], until, FALSE
    if operator == CROSSES and before != before:
        return -1
    for at in range(first, until):
        if value_at >= 0:
            value = known[value_at]
            value_at += width
        if threshold_at >= 0:
            threshold = known[threshold_at]
            threshold_at += width
        gap = (threshold - value) * sign
        if gap != gap:
            return -1
        answer = TRUE if gap < 0.0 or (gap == 0.0 and operator == INCLUSIVE) else FALSE
        distance = max(0.0, gap)
        if operator == CROSSES:
            answer = FALSE if before < 0.0 else answer
            distance = 0.0 if answer == TRUE else abs(gap)
        if not distance >= closest:
            closest = distance
        if distance > farthest:
            farthest = distance
        before = gap
        if answer == TRUE:
            if begun == NEVER:
                begun = times[at]
            last = times[at]
            reached = min(reached, at)
        else:
            begun = NEVER
    distances[index] = before
    distances[row_count + index] = closest
    distances[2 * row_count + index] = farthest
    answers[since] = begun
    answers[since + row_count] = last
    answers[index] = answer
    return reached


def _first_reached(table: Table, one: int, other: int, first: int, until: int) -> int:
    # Before which event neither of the two can be true, by when their rows were first.
    groups: Ints = table.groups
    members: Ints = table.members
    reached: Ints = table.reached
    for index in range(table.group_count):
        begin = groups[GROUP * index + 1]
        latest, earliest = first, until
        for member in range(begin, begin + groups[GROUP * index + 2]):
            latest = max(latest, reached[members[member]])
            earliest = min(earliest, reached[members[member]])
        word = groups[GROUP * index]
        reached[table.row_count + index] = latest if word == ALL else earliest if word == ANY else first
    bound = until
    if one >= 0:
        bound = min(bound, reached[one])
    if other >= 0:
        bound = min(bound, reached[other])
    return bound


def _answer(memory: Memory, ts: int) -> None:
    memory.ts = ts
    table = memory.table
    rows: Ints = table.rows
    values: Floats = memory.values
    answers: Ints = memory.ints
    distances: Floats = memory.floats
    signs: Floats = table.signs
    count = table.row_count
    since = count + table.group_count
    at = 0
    is_changed = False
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
            answer = _hold(memory, table, index, at, answer)
        elif answers[since + index] != NEVER:
            answers[since + index] = NEVER
        if answers[index] != answer:
            answers[index] = answer
            is_changed = True
        at += ROW
    if is_changed:
        for index in range(table.group_count):
            _combine(memory, table, index)


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
