"""The closing line of `make test` is the sum of what really ran."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from run_suites import Count, Suite, count_report, count_suite, run_suites

REPORT = """<testsuites><testsuite>
  <testcase name="holds"/>
  <testcase name="breaks"><failure>no</failure></testcase>
  <testcase name="crashes"><error>no</error></testcase>
  <testcase name="waits"><skipped>no data</skipped></testcase>
</testsuite></testsuites>"""


def test_a_report_is_counted_case_by_case(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(REPORT)
    assert count_report(report) == Count(passed=1, failed=2, skipped=1)


def test_a_missing_or_broken_report_counts_nothing(tmp_path: Path) -> None:
    broken = tmp_path / "broken.xml"
    broken.write_text("<testsuites>")
    assert (count_report(tmp_path / "missing.xml"), count_report(broken)) == (Count(), Count())


@pytest.mark.parametrize(
    ("has_report", "exit_code", "report", "expected"),
    [
        pytest.param(False, 0, Count(), Count(passed=1), id="a linter that is content counts as one"),
        pytest.param(False, 1, Count(), Count(failed=1), id="a linter that is not counts as one failure"),
        pytest.param(True, 0, Count(), Count(failed=1), id="a runner that ran nothing has failed"),
        pytest.param(True, 3, Count(5), Count(5, 1), id="a runner that crashed after five tests has failed"),
        pytest.param(True, 1, Count(5, 2), Count(5, 2), id="failed tests are counted once"),
        pytest.param(True, 0, Count(5, 0, 1), Count(5, 0, 1), id="skipped tests are no failure"),
    ],
)
def test_a_finished_suite_adds(has_report: bool, exit_code: int, report: Count, expected: Count) -> None:
    assert count_suite(has_report, exit_code, report) == expected


def test_later_suites_run_after_a_failure_except_those_that_need_it() -> None:
    ran: list[str] = []

    def run(suite: Suite) -> Count:
        ran.append(suite.name)
        return Count(failed=1) if suite.name == "wheel" else Count(passed=3)

    chosen = [Suite("wheel", "wheel", ("x",)), Suite("e2e", "e2e", ("x",), needs="wheel"), Suite("web", "web", ("x",))]
    counts = run_suites(chosen, run)
    assert (ran, sum(counts.values(), Count())) == (["wheel", "web"], Count(passed=3, failed=2))


def test_lanes_run_side_by_side_and_what_has_none_runs_after_them() -> None:
    both_run = threading.Barrier(2, timeout=10)
    ran: list[str] = []

    def run(suite: Suite) -> Count:
        if suite.lane is not None:
            both_run.wait()
        ran.append(suite.name)
        return Count(passed=1)

    chosen = [Suite("browser", "g", ("x",)), Suite("a", "g", ("x",), lane="1"), Suite("b", "g", ("x",), lane="2")]
    counts = run_suites(chosen, run)
    assert ([*counts], sorted(ran[:2]), ran[2:]) == (["browser", "a", "b"], ["a", "b"], ["browser"])


def test_the_closing_line_is_the_one_machines_read() -> None:
    assert [str(Count(3, 0)), str(Count(3, 1, 2))] == ["3 passed, 0 failed", "3 passed, 1 failed, 2 skipped"]
