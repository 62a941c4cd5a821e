"""A definition compiled to columns of numbers, so that one loop, interpreted or compiled, evaluates it.

Operands live in one buffer of values per instance: the indicators in the order written, then the values of the
instance, those of the session, and the constants. A row of `rows` is one comparison; `groups` combine answers
bottom-up. `table` is the same as columns of numbers for `evaluate`.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import nan

import msgspec

from papertape.indicators.catalogue import CATALOGUE
from papertape.model.events import SectionCode
from papertape.strategy.check import SECTION_NAMES, children_of
from papertape.strategy.definition import (
    INSTANCE_VALUES,
    SESSION_VALUES,
    Condition,
    StrategyDefinition,
    section_of,
)
from papertape.strategy.durations import duration_us
from papertape.strategy.evaluate import ALL, ANY, CROSSES, GROUP, INCLUSIVE, NONE, ROW, STRICT, Memory, Table

_OPERATORS = {
    ">": (STRICT, 1.0),
    ">=": (INCLUSIVE, 1.0),
    "<": (STRICT, -1.0),
    "<=": (INCLUSIVE, -1.0),
    "between": (INCLUSIVE, 1.0),
    "outside": (STRICT, -1.0),
    "crosses_above": (CROSSES, 1.0),
    "crosses_below": (CROSSES, -1.0),
}
_WORDS = {"all": ALL, "any": ANY, "none": NONE}

Row = tuple[int, float, int, int, int, int, int]
"""Operator, sign, indices of value, threshold and upper threshold, hold and window in microseconds (0: none).

A row with an upper threshold other than its threshold is a range: sign 1 inside, -1 outside.
"""


class Operand(msgspec.Struct, frozen=True):
    """One value a condition can read: its alias, the words for it, its unit."""

    alias: str
    words: str
    unit: str


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """A compiled definition, shared by all of its instances.

    `answers` of a run hold one per row, then one per group; `roots` say which answer a section has (-1: undefined).
    """

    definition: StrategyDefinition
    operands: tuple[Operand, ...]
    constants: tuple[float, ...]
    rows: tuple[Row, ...]
    paths: tuple[str, ...]
    sources: tuple[Condition, ...]
    groups: tuple[tuple[int, tuple[int, ...]], ...]
    table: Table
    roots: dict[SectionCode, int]
    spans: dict[SectionCode, tuple[int, int]]
    reads_position: bool
    reads_session: bool

    @property
    def indicator_count(self) -> int:
        """How many of the values are indicators: the first ones."""
        return len(self.definition.indicators)

    def new_memory(self) -> Memory:
        """Return the memory of an instance before anything is known: its values are NaN, but for the constants."""
        memory = Memory(self.table)
        for index in range(len(self.operands)):
            memory.values[index] = nan
        for index, constant in enumerate(self.constants, len(self.operands)):
            memory.values[index] = constant
        return memory


INSTANCE_NAMES: tuple[str, ...] = tuple(INSTANCE_VALUES)


def compile_definition(definition: StrategyDefinition) -> Program:
    """Return the program of a checked definition."""
    return _Compiler(definition).program()


class _Compiler:
    def __init__(self, definition: StrategyDefinition) -> None:
        self.definition = definition
        self.operands = _operands(definition)
        self.index = {operand.alias: index for index, operand in enumerate(self.operands)}
        self.constants: list[float] = []
        self.rows: list[Row] = []
        self.paths: list[str] = []
        self.sources: list[Condition] = []
        self.groups: list[tuple[int, tuple[int, ...]]] = []

    def program(self) -> Program:
        spans: dict[SectionCode, tuple[int, int]] = {}
        for code in SECTION_NAMES:
            section = section_of(self.definition, code)
            start = len(self.rows)
            if section is not None:
                self._add_rows(section.conditions, f"sections.{code}.conditions")
            spans[code] = (start, len(self.rows))
        roots = self._add_groups()
        read = {operand for row in self.rows for operand in (row[2], row[3])}
        first = len(self.definition.indicators)
        return Program(
            definition=self.definition,
            operands=self.operands,
            constants=tuple(self.constants),
            rows=tuple(self.rows),
            paths=tuple(self.paths),
            sources=tuple(self.sources),
            groups=tuple(self.groups),
            table=self._table(),
            roots=roots,
            spans=spans,
            reads_position=any(first <= index < first + len(INSTANCE_NAMES) for index in read),
            reads_session=any(first + len(INSTANCE_NAMES) <= index < len(self.operands) for index in read),
        )

    def _add_rows(self, conditions: tuple[Condition, ...], path: str) -> None:
        for number, condition in enumerate(conditions):
            here = f"{path}[{number}]"
            group = children_of(condition)
            if group is not None:
                self._add_rows(group[1], f"{here}.{group[0]}")
                continue
            self.rows.append(self._row(condition))
            self.paths.append(here)
            self.sources.append(condition)

    def _row(self, condition: Condition) -> Row:
        operator, sign = _OPERATORS[condition.op or ">"]
        threshold = condition.threshold
        low, high = threshold if isinstance(threshold, tuple) else (threshold, None)
        right = self.index[condition.other] if condition.other is not None else self._constant(low or 0.0)
        return (
            operator,
            sign,
            self.index[condition.indicator or ""],
            right,
            right if high is None else self._constant(high),
            duration_us(condition.for_) if condition.for_ else 0,
            duration_us(condition.within) if condition.within else 0,
        )

    def _table(self) -> Table:
        members = [member for _, found in self.groups for member in found]
        values = len(self.operands) + len(self.constants)
        table = Table(len(self.rows), len(self.groups), len(members), values)
        for index, (operator, sign, *rest) in enumerate(self.rows):
            table.signs[index] = sign
            for place, number in enumerate((operator, *rest)):
                table.rows[ROW * index + place] = number
        first = 0
        for index, (word, found) in enumerate(self.groups):
            for place, number in enumerate((word, first, len(found))):
                table.groups[GROUP * index + place] = number
            first += len(found)
        for index, member in enumerate(members):
            table.members[index] = member
        return table

    def _constant(self, number: float) -> int:
        self.constants.append(number)
        return len(self.operands) + len(self.constants) - 1

    def _add_groups(self) -> dict[SectionCode, int]:
        roots: dict[SectionCode, int] = {}
        rows = iter(range(len(self.rows)))
        for code in SECTION_NAMES:
            section = section_of(self.definition, code)
            is_asked = section is not None and (section.conditions or code == "Z1")
            roots[code] = self._group(ALL, section.conditions, rows) if section is not None and is_asked else -1
        return roots

    def _group(self, word: int, members: tuple[Condition, ...], rows: Iterator[int]) -> int:
        found: list[int] = []
        for member in members:
            group = children_of(member)
            found.append(next(rows) if group is None else self._group(_WORDS[group[0]], group[1], rows))
        if len(found) == 1 and word != NONE:
            return found[0]
        self.groups.append((word, tuple(found)))
        return len(self.rows) + len(self.groups) - 1


def _operands(definition: StrategyDefinition) -> tuple[Operand, ...]:
    own = [
        Operand(alias, use.name or alias.replace("_", " "), CATALOGUE[use.kind].unit)
        for alias, use in definition.indicators.items()
    ]
    given = [
        Operand(alias, value.words, value.unit) for alias, value in (*INSTANCE_VALUES.items(), *SESSION_VALUES.items())
    ]
    return (*own, *given)
