"""Every operator, hold, window and group in three values: true, false, undecided."""

from __future__ import annotations

from math import nan
from typing import Any

import pytest

from papertape.strategy.evaluate import FALSE, TRUE, UNDECIDED
from papertape.strategy.parse import check_definition
from papertape.strategy.program import Program, compile_definition
from papertape.strategy.readings import Monitor

Plain = dict[str, Any]  # conditions before they are checked
SECOND = 1_000_000
NAMES = {TRUE: "true", FALSE: "false", UNDECIDED: "undecided"}


class _Bench:
    """One section S1 over two quote indicators `a` and `b`, whose values are set by hand."""

    def __init__(self, *conditions: Plain) -> None:
        indicators = {alias: {"kind": "mid_price"} for alias in ("a", "b")}
        self.program: Program = compile_definition(
            check_definition(
                {
                    "name": "bench",
                    "indicators": indicators,
                    "sections": {
                        "S1": {"conditions": list(conditions)},
                        "Z1": {"order": {"side": "long", "size": {"quote": 1}, "stop_loss_pct": 1}},
                    },
                }
            )
        )
        self.memory = self.program.new_memory()
        units = tuple("" for _ in self.program.operands)
        self.monitor = Monitor(self.program, self.memory, self, units)

    def at(self, second: float, a: float | None, b: float | None = None) -> str:
        self.memory.values[0], self.memory.values[1] = nan if a is None else a, nan if b is None else b
        self.memory.evaluate(int(second * SECOND))
        return NAMES[self.memory.answer(self.program.roots["S1"])]

    def reason(self, index: int) -> str | None:
        return f"{'ab'[index]} is missing"

    def data_ts(self, index: int) -> int | None:
        return 5 + index


def _simple(op: str, threshold: object = 2, **more: object) -> Plain:
    return {"indicator": "a", "op": op, "threshold": threshold, **more}


@pytest.mark.parametrize(
    ("op", "threshold", "truth"),
    [
        (">", 2, {1.9: "false", 2: "false", 2.1: "true", None: "undecided"}),
        (">=", 2, {1.9: "false", 2: "true", 2.1: "true", None: "undecided"}),
        ("<", 2, {1.9: "true", 2: "false", 2.1: "false", None: "undecided"}),
        ("<=", 2, {1.9: "true", 2: "true", 2.1: "false", None: "undecided"}),
        ("between", [1, 3], {0.9: "false", 1: "true", 2: "true", 3: "true", 3.1: "false", None: "undecided"}),
        ("outside", [1, 3], {0.9: "true", 1: "false", 2: "false", 3: "false", 3.1: "true", None: "undecided"}),
        (">", -2, {-2.1: "false", -2: "false", 0: "true"}),
        ("<=", 0, {0.0: "true", 1e-300: "false"}),
    ],
)
def test_an_operator_answers_by_value(op: str, threshold: object, truth: dict[float | None, str]) -> None:
    bench = _Bench(_simple(op, threshold))
    assert {value: bench.at(second, value) for second, value in enumerate(truth)} == truth


def test_an_indicator_can_be_compared_with_another() -> None:
    bench = _Bench({"indicator": "a", "op": ">", "other": "b"})
    assert [bench.at(0, 2, 1), bench.at(1, 1, 2), bench.at(2, 1, None), bench.at(3, None, 1)] == [
        "true",
        "false",
        "undecided",
        "undecided",
    ]


@pytest.mark.parametrize(
    ("op", "values", "answers"),
    [
        ("crosses_above", [1, 3, 4, 1, 2, 3], ["undecided", "true", "false", "false", "false", "true"]),
        ("crosses_below", [3, 1, 0, 2, 2, 1], ["undecided", "true", "false", "false", "false", "true"]),
        ("crosses_above", [1, None, 3, 1, 3], ["undecided", "undecided", "undecided", "false", "true"]),
    ],
)
def test_a_cross_is_true_once_and_undecided_without_a_value_before(
    op: str, values: list[float | None], answers: list[str]
) -> None:
    bench = _Bench(_simple(op))
    assert [bench.at(second, value) for second, value in enumerate(values)] == answers


def test_for_asks_that_it_held_without_a_break() -> None:
    bench = _Bench(_simple(">", 2, **{"for": "3s"}))
    values = [3, 3, 3, 3, 1, 3, 3, None, 3, 3, 3, 3]
    assert [bench.at(second, value) for second, value in enumerate(values)] == [
        *["false"] * 3,
        "true",
        *["false"] * 3,
        "undecided",
        *["false"] * 3,
        "true",
    ]


def test_within_remembers_that_it_was_true_also_while_undecided() -> None:
    bench = _Bench(_simple(">", 2, within="3s"))
    values = [1, 3, 1, None, 1, 1, None]
    assert [bench.at(second, value) for second, value in enumerate(values)] == [
        "false",
        "true",
        "true",
        "true",
        "true",
        "false",
        "undecided",
    ]


def test_for_and_within_together_ask_for_a_completed_hold_in_the_window() -> None:
    bench = _Bench(_simple(">", 2, **{"for": "2s", "within": "3s"}))
    values = [3, 3, 3, 1, 1, 1, 1]
    assert [bench.at(second, value) for second, value in enumerate(values)] == [
        "false",
        "false",
        "true",
        "true",
        "true",
        "true",
        "false",
    ]


T, F, U = 3.0, 1.0, None
"""Values of `a` and `b` that make `> 2` true, false and undecided."""


@pytest.mark.parametrize(
    ("word", "table"),
    [
        ("all", "TT:true TF:false TU:undecided FT:false FF:false FU:false UT:undecided UF:false UU:undecided"),
        ("any", "TT:true TF:true TU:true FT:true FF:false FU:undecided UT:true UF:undecided UU:undecided"),
        ("none", "TT:false TF:false TU:false FT:false FF:true FU:undecided UT:false UF:undecided UU:undecided"),
    ],
)
def test_groups_follow_kleene_and_never_take_undecided_for_false(word: str, table: str) -> None:
    members = [{"indicator": alias, "op": ">", "threshold": 2} for alias in ("a", "b")]
    bench = _Bench({word: members})
    values = {"T": T, "F": F, "U": U}
    rows = [row.split(":") for row in table.split()]
    answers = [bench.at(second, values[pair[0]], values[pair[1]]) for second, (pair, _) in enumerate(rows)]
    assert answers == [expected for _, expected in rows]


def test_nested_groups_pass_undecided_on() -> None:
    bench = _Bench(
        {"any": [{"all": [_simple(">"), {"indicator": "b", "op": ">", "threshold": 2}]}, {"none": [_simple(">", 0)]}]}
    )
    assert [bench.at(0, T, T), bench.at(1, T, U), bench.at(2, T, F), bench.at(3, -1, U)] == [
        "true",
        "undecided",
        "false",
        "true",
    ]


def test_a_reading_tells_how_far_it_is_and_how_near_it_came() -> None:
    bench = _Bench(_simple(">=", 2, name="rise"))
    bench.at(1, 1.8)
    bench.at(2, 0.5)
    reading = bench.monitor.reading(0)
    assert (reading.path, reading.label, reading.value, reading.threshold) == (
        "sections.S1.conditions[0]",
        "rise",
        0.5,
        2.0,
    )
    assert (reading.answer, reading.reason, reading.distance, reading.distance_pct, reading.progress) == (
        "false",
        None,
        1.5,
        75.0,
        25.0,
    )
    assert reading.closest_distance == pytest.approx(0.2)
    assert (reading.last_true_ts, reading.value_ts, reading.held_s) == (None, 5, None)


def test_an_undecided_reading_says_why() -> None:
    bench = _Bench({"indicator": "a", "op": ">", "other": "b"})
    assert bench.monitor.reading(0).reason == "waiting for the first live market event"
    bench.at(1, 1, None)
    reading = bench.monitor.reading(0)
    assert (reading.answer, reading.reason, reading.distance, reading.progress) == (
        "undecided",
        "b is missing",
        None,
        0.0,
    )


@pytest.mark.parametrize(
    ("op", "threshold", "value", "progress"),
    [
        (">", 2, 1, 50.0),
        ("<", 1, 4, 25.0),
        (">", -1, -4, 25.0),
        ("<", -4, -1, 25.0),
        (">", 2, -1, 0.0),
        ("between", [10, 20], 5, 50.0),
        ("between", [10, 20], 40, 50.0),
        ("<", 2, 1, 100.0),
    ],
)
def test_progress_is_the_share_of_the_threshold_reached(
    op: str, threshold: object, value: float, progress: float
) -> None:
    bench = _Bench(_simple(op, threshold))
    bench.at(0, value)
    assert bench.monitor.reading(0).progress == pytest.approx(progress)


def test_progress_to_zero_is_measured_from_the_farthest_distance_seen() -> None:
    bench = _Bench(_simple("<=", 0))
    bench.at(0, 4)
    assert bench.monitor.progress(0) == 0.0
    bench.at(1, 1)
    assert bench.monitor.progress(0) == 75.0


def test_progress_of_a_hold_is_half_the_condition_and_half_the_time() -> None:
    bench = _Bench(_simple(">", 2, **{"for": "10s"}))
    bench.at(0, 1)
    before = bench.monitor.reading(0)
    bench.at(1, 3)
    bench.at(5, 3)
    during = bench.monitor.reading(0)
    assert (before.progress, during.progress, during.held_s, during.hold_required_s) == (25.0, 70.0, 4.0, 10.0)
    assert bench.monitor.sentence(0) == "a is 3, held for 4 s of the 10 s needed"


def test_the_blocking_condition_is_the_first_in_all_and_the_nearest_in_any() -> None:
    bench = _Bench(_simple(">", 0), {"any": [_simple(">", 100), _simple(">", 10)]})
    bench.at(0, 5)
    root = bench.program.roots["S1"]
    assert (bench.monitor.blocking_row(root), bench.monitor.node_progress(root)) == (2, 50.0)
    bench.at(1, 50)
    assert (bench.monitor.blocking_row(root), bench.monitor.node_progress(root)) == (None, 100.0)
    assert bench.monitor.supporting_rows(root) == [0, 2]


def test_a_section_is_as_far_as_its_farthest_condition() -> None:
    bench = _Bench(_simple(">", 100), _simple(">", 10))
    bench.at(0, 5)
    root = bench.program.roots["S1"]
    assert (bench.monitor.blocking_row(root), bench.monitor.node_progress(root)) == (0, 5.0)


def test_a_wait_for_one_of_several_conditions_says_among_how_many() -> None:
    bench = _Bench({"any": [_simple(">", 100), _simple(">", 10)]})
    bench.at(0, 5)
    assert bench.monitor.alternatives(bench.program.roots["S1"]) == 2
    plain = _Bench(_simple(">", 100))
    assert plain.monitor.alternatives(plain.program.roots["S1"]) == 1


@pytest.mark.parametrize(
    ("condition", "value", "sentence"),
    [
        (_simple(">=", 2), 0.4217, "a is 0.4217, needs at least 2"),
        (_simple("between", [30, 70]), 20, "a is 20, needs between 30 and 70"),
        (_simple("crosses_above", 61800), 61234.567, "a cannot be judged yet (no earlier value to cross from)"),
        (_simple("<", 5), 1, "a is 1"),
    ],
)
def test_a_condition_can_be_told_in_words(condition: Plain, value: float, sentence: str) -> None:
    bench = _Bench(condition)
    bench.at(0, value)
    assert bench.monitor.sentence(0) == sentence
