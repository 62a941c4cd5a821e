"""The rows and the table, from lines as runners print them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from rich.console import Console

from peers.peer import NOT_INSTALLED, Peer, parse_line
from peers.reference import Outcome, Rule, Seed
from peers.table import build_table, compare, explain, is_settled, summarise

EXACT: dict[Rule, Outcome] = {
    "same tick's price": Outcome(10, 999_990.5),
    "next event's price": Outcome(10, 999_990.25),
    "at the quote": Outcome(10, 999_989.0),
    "at the quote made of trades": Outcome(10, 999_988.0),
    "next bar's open": Outcome(10, 999_990.25),
    "one transition an event": Outcome(8, 999_992.0),
}


def _reference(events: int, rule: Rule, seed: Seed) -> Outcome:
    assert events == 1000
    exact = EXACT[rule]
    return exact if seed == "first price" else Outcome(exact.fills, exact.equity + 0.125)


def _line(**changed: Any) -> dict[str, Any]:
    line = {
        "peer": "fast", "version": "1.0", "python": "3.11.7", "load": "rare", "symbols": 1, "events": 1000,
        "seconds": 0.5, "events_per_s": 2000, "fills": 10, "final_equity": 999_990.5,
        "fill_rule": "same tick's price", "average_starts_at": "first price", "peak_memory_mb": 40, "note": "",
    }  # fmt: skip
    return line | changed


def test_a_result_of_its_own_rule_to_six_decimals_is_explained_by_it() -> None:
    assert explain(_line(final_equity=999_990.5000003), _reference) == {
        "explained_by": "same tick's price; averages from the first price",
        "difference": 3e-7,
    }


def test_a_result_of_another_rule_than_its_own_is_explained_by_that_one() -> None:
    row = explain(_line(final_equity=999_989.125), _reference)
    assert row == {"explained_by": "at the quote; averages from the mean of the first prices", "difference": 0.0}


def test_a_result_of_no_rule_says_how_far_it_is_from_its_own() -> None:
    assert explain(_line(final_equity=999_990.51), _reference) == {"explained_by": "unexplained", "difference": 0.01}


def test_where_nothing_filled_no_rule_is_named() -> None:
    line = _line(fills=0, final_equity=1_000_000.0)
    row = explain(line, lambda *_: Outcome(0, 1_000_000.0))
    assert row == {"explained_by": "no fills, by any rule", "difference": 0.0}


def test_the_same_equity_with_other_fills_is_not_explained() -> None:
    assert explain(_line(fills=12), _reference)["explained_by"] == "unexplained"


def test_a_row_has_the_median_of_the_rounds_and_their_spread() -> None:
    rounds = [_line(seconds=seconds, peak_memory_mb=size) for seconds, size in ((0.5, 40), (0.8, 41), (0.4, 39))]
    row = summarise(rounds, _reference)
    assert {key: row[key] for key in ("rounds", "seconds", "seconds_least", "seconds_most", "events_per_s")} == {
        "rounds": 3, "seconds": 0.5, "seconds_least": 0.4, "seconds_most": 0.8, "events_per_s": 2000,
    }  # fmt: skip
    assert (row["spread_pct"], row["peak_memory_mb"]) == (80.0, 41)


def test_rounds_that_differ_are_never_explained() -> None:
    row = summarise([_line(), _line(final_equity=999_990.25)], _reference)
    assert row["explained_by"] == "unexplained: its rounds differ"
    assert not is_settled(row)


def test_a_failed_round_fails_the_row() -> None:
    row = summarise([_line(), {"peer": "fast", "error": "out of memory"}], _reference)
    assert row == {"peer": "fast", "error": "out of memory"}
    assert not is_settled(row)


def test_an_engine_that_is_not_installed_is_left_out_without_failing() -> None:
    line = Peer("nobody").run(Path("nowhere"), "rare", 1, 1000)
    assert line == {"peer": "nobody", "error": NOT_INSTALLED}
    assert is_settled(line)


def test_every_row_says_how_many_times_faster_papertape_is() -> None:
    rows = [_line(peer="papertape", events_per_s=30_000), _line(), _line(peer="slow", events_per_s=20_000),
            {"peer": "gone", "error": "no"}]  # fmt: skip
    assert [row.get("papertape_is_faster") for row in compare(rows)] == [1.0, 15.0, 1.5, None]
    assert compare([_line()]) == [_line()]


def test_the_table_has_a_line_for_each_engine_and_the_reason_of_one_that_failed() -> None:
    rows = compare([summarise([_line(peer="papertape")], _reference), {"peer": "gone", "error": "out of memory"}])
    terminal = Console(file=io.StringIO(), width=160)
    terminal.print(build_table("rare, 1 symbol", rows))
    text = terminal.file.getvalue()  # type: ignore[attr-defined]  # it is the StringIO of above
    for part in (
        "rare, 1 symbol",
        "papertape 1.0",
        "2,000",
        "999990.500000",
        "same tick's price",
        "gone",
        "out of memory",
    ):
        assert part in text


def test_the_line_of_a_runner_is_found_below_what_its_engine_prints() -> None:
    assert parse_line("loud", 'welcome\n{"peer": "loud"}\n', "") == {"peer": "loud"}
    assert parse_line("loud", "", "Traceback\nValueError: no") == {"peer": "loud", "error": "ValueError: no"}
    assert parse_line("loud", "", "") == {"peer": "loud", "error": "it printed nothing"}


def test_a_slow_engine_runs_on_fewer_trades() -> None:
    slow = Peer("slow", most={1: 100, 50: 20})
    assert [slow.events(1000, 1), slow.events(1000, 50), slow.events(10, 1)] == [100, 20, 10]
    assert Peer("fast").events(1000, 50) == 1000
