"""Readings of conditions and sections for people: made only for views, signals and transitions, never per event."""

from __future__ import annotations

from typing import Protocol

import msgspec

from papertape.model.events import Answer, ConditionReading, SectionCode
from papertape.strategy.durations import duration_text, duration_us
from papertape.strategy.evaluate import ALL, ANY, CROSSES, FALSE, NEVER, NONE, TRUE, Memory
from papertape.strategy.program import Program
from papertape.strategy.words import needs_text, number_text

_ANSWERS: tuple[Answer, Answer, Answer] = ("false", "undecided", "true")
_SECOND = 1_000_000.0


class ValueSource(Protocol):
    """What a reading must know of a value besides the number; `index` is its place in the program's operands."""

    def reason(self, index: int) -> str | None:
        """Return why the value is missing."""

    def data_ts(self, index: int) -> int | None:
        """Return the time of the newest market event behind the value, microseconds UTC."""


class Monitor(msgspec.Struct, frozen=True):
    """Everything the readings of one instance are made from, as of its last evaluation."""

    program: Program
    memory: Memory
    source: ValueSource
    units: tuple[str, ...]

    def value(self, index: int) -> float | None:
        """Return a value of the program, None while it is missing."""
        return _present(self.memory.values[index])

    def reading(self, row: int) -> ConditionReading:
        """Return the reading of one condition."""
        program, memory = self.program, self.memory
        operator, _, left, right, _, hold, _ = program.rows[row]
        condition = program.sources[row]
        threshold = self._threshold(row)
        distance = self._distance(row)
        answer = memory.answer(row)
        return ConditionReading(
            path=program.paths[row],
            label=self.label(row),
            operator=condition.op or "",
            value=self.value(left),
            threshold=threshold,
            unit=self.units[left],
            answer=_ANSWERS[answer],
            reason=self._reason(left, right, operator) if _ANSWERS[answer] == "undecided" else None,
            distance=distance,
            distance_pct=None if distance is None or not threshold else distance / abs(threshold) * 100.0,
            progress=self.progress(row),
            held_s=self._held_s(row),
            hold_required_s=hold / _SECOND if hold else None,
            last_true_ts=None if memory.last_true(row) == NEVER else memory.last_true(row),
            closest_distance=_present(memory.closest(row)),
            value_ts=self.source.data_ts(left),
        )

    def label(self, row: int) -> str:
        """Return the condition in words: `price rise in 60 s ≥ 2 %`."""
        program, condition = self.program, self.program.sources[row]
        if condition.name is not None:
            return condition.name
        operator = (condition.op or "").replace("_", " ").replace(">=", "≥").replace("<=", "≤")
        words = program.operands[program.rows[row][2]].words
        timed = f" for {_spelt(condition.for_)}" if condition.for_ else ""
        timed += f" within {_spelt(condition.within)}" if condition.within else ""
        return f"{words} {operator} {self._threshold_text(row)}{timed}"

    def sentence(self, row: int) -> str:
        """Return how one condition stands, as a clause: `price rise in 60 s is 0.42 %, needs at least 2 %`."""
        program, memory = self.program, self.memory
        operator, _, left, right, _, hold, _ = program.rows[row]
        operand, value = program.operands[left], self.value(left)
        answer = _ANSWERS[memory.answer(row)]
        if answer == "undecided":
            return f"{operand.words} cannot be judged yet ({self._reason(left, right, operator)})"
        is_text = (
            f"{operand.words} is {number_text(value or 0.0, self.units[left])}" if value is not None else operand.words
        )
        if answer == "true":
            return f"{is_text}{self._against(row)}"
        if hold and memory.true_since(row) != NEVER:
            return f"{is_text}, held for {self._held_s(row) or 0.0:.0f} s of the {hold / _SECOND:g} s needed"
        return f"{is_text}, needs {needs_text(program.sources[row].op or '', self._threshold_text(row))}"

    def _against(self, row: int) -> str:
        # a fixed threshold is in the trace; what another indicator was is not obvious
        operator, sign, _, right, _, _, _ = self.program.rows[row]
        if operator == CROSSES:
            return f" and crossed {'above' if sign > 0 else 'below'} {self._threshold_text(row)}"
        if right < len(self.program.operands):
            return f", {needs_text(self.program.sources[row].op or '', self._threshold_text(row))}"
        return ""

    def progress(self, row: int) -> float:
        """Return how near a condition is to true, 0–100; half of it is the hold where one is asked for."""
        memory = self.memory
        if memory.answer(row) == TRUE:
            return 100.0
        gap = _present(memory.gap(row))
        if gap is None:
            return 0.0
        hold = self.program.rows[row][5]
        if hold:
            if memory.true_since(row) != NEVER:
                return min(99.0, 50.0 + 50.0 * (memory.ts - memory.true_since(row)) / hold)
            return self._nearness(row) / 2
        return self._nearness(row)

    def answer(self, index: int) -> Answer:
        """Return the answer of a row or group."""
        return _ANSWERS[self.memory.answer(index)]

    def node_progress(self, index: int) -> float:
        """Return the progress of a row or group: all → farthest, any → nearest, none → share that does not hold."""
        count = len(self.program.rows)
        if index < count:
            return self.progress(index)
        if self.memory.answer(index) == TRUE:
            return 100.0
        word, members = self.program.groups[index - count]
        if word == ALL:
            return min(self.node_progress(member) for member in members)
        if word == ANY:
            return max(self.node_progress(member) for member in members)
        return sum(100.0 for member in members if self.memory.answer(member) == FALSE) / len(members)

    def blocking_row(self, index: int) -> int | None:
        """Return the condition that keeps a row or group from being true, or None when it is true.

        In `all` the first that is not true, in `any` the nearest, in `none` the first that is not false.
        """
        count = len(self.program.rows)
        if index < 0 or self.memory.answer(index) == TRUE:
            return None
        if index < count:
            return index
        word, members = self.program.groups[index - count]
        if word == ALL:
            return self.blocking_row(next(member for member in members if self.memory.answer(member) != TRUE))
        if word == ANY:
            return self.blocking_row(max(members, key=self.node_progress))
        return self._first_row(next(member for member in members if self.memory.answer(member) != FALSE))

    def alternatives(self, index: int) -> int:
        """Return among how many alternatives a row or group is waiting for one; 1 when it waits for something else."""
        count = len(self.program.rows)
        while index >= count:
            word, members = self.program.groups[index - count]
            if len(members) > 1:
                return len(members) if word == ANY else 1
            index = members[0]
        return 1

    def supporting_rows(self, index: int) -> list[int]:
        """Return the conditions that make a row or group true; none for one that is not, or that holds by absence."""
        count = len(self.program.rows)
        if index < 0 or self.memory.answer(index) != TRUE:
            return []
        if index < count:
            return [index]
        word, members = self.program.groups[index - count]
        return [] if word == NONE else [row for member in members for row in self.supporting_rows(member)]

    def readings(self, code: SectionCode) -> tuple[ConditionReading, ...]:
        """Return the readings of all conditions of a section."""
        start, end = self.program.spans[code]
        return tuple(self.reading(row) for row in range(start, end))

    def _first_row(self, index: int) -> int:
        while index >= len(self.program.rows):
            index = self.program.groups[index - len(self.program.rows)][1][0]
        return index

    def _reason(self, left: int, right: int, operator: int) -> str:
        if self.memory.ts == NEVER:
            return "waiting for the first live market event"
        for index in (left, right):
            if self.value(index) is None:
                return self.source.reason(index) or "no value yet"
        return "no earlier value to cross from" if operator == CROSSES else "waiting for the next evaluation"

    def _held_s(self, row: int) -> float | None:
        if not self.program.rows[row][5]:
            return None
        since = self.memory.true_since(row)
        return 0.0 if since == NEVER else (self.memory.ts - since) / _SECOND

    def _threshold(self, row: int) -> float | None:
        _, _, left, right, upper, _, _ = self.program.rows[row]
        low, high, value = self.value(right), self.value(upper), self.value(left)
        if upper == right or low is None or high is None or value is None:
            return low
        return high if value > (low + high) / 2 else low

    def _threshold_text(self, row: int) -> str:
        _, _, left, right, upper, _, _ = self.program.rows[row]
        unit = self.units[left]
        if right < len(self.program.operands):
            known = self.value(right)
            words = self.program.operands[right].words
            return words if known is None else f"{words} ({number_text(known, unit)})"
        text = number_text(self.value(right) or 0.0, unit if upper == right else "")
        if upper != right:
            return f"{text} and {number_text(self.value(upper) or 0.0, unit)}"
        return text

    def _distance(self, row: int) -> float | None:
        gap = _present(self.memory.gap(row))
        if gap is None:
            return None
        if self.program.rows[row][0] == CROSSES and self.memory.answer(row) != TRUE:
            return abs(gap)
        return max(0.0, gap)

    def _nearness(self, row: int) -> float:
        operator, sign, left, right, upper, _, _ = self.program.rows[row]
        value, threshold, distance = self.value(left), self._threshold(row), self._distance(row)
        if value is None or threshold is None or distance is None:
            return 0.0
        is_outside = upper != right and sign < 0
        if is_outside or operator == CROSSES or threshold == 0.0 or (value > 0.0) != (threshold > 0.0):
            farthest = self.memory.farthest(row)
            is_opposite = value * threshold < 0.0
            return 0.0 if farthest == 0.0 or is_opposite else max(0.0, min(99.9, 100.0 * (1.0 - distance / farthest)))
        is_rising = (value < threshold) if upper != right else sign > 0
        ratio = value / threshold if is_rising == (threshold > 0.0) else threshold / value
        return max(0.0, min(99.9, 100.0 * ratio))


def _spelt(duration: str) -> str:
    us = duration_us(duration)
    return duration_text(us) if us % 1_000_000 == 0 else duration


def _present(number: float) -> float | None:
    return None if number != number else number
