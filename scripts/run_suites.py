"""Run every suite of papertape, go on after a failing one, and end with the sum: `N passed, N failed`.

Two lanes run side by side, one that calculates and one that mostly waits for sockets and databases; what they say is
printed suite by suite. The suites without a lane follow alone: a browser does not share.

Counts come from the JUnit files the runners write, not from what they print. A suite without such a file (a linter,
the wheel) counts as one. A runner that fails without a failed test, or that writes no report, counts as one failure.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "test-results"
BIN = ROOT / ".venv" / "bin"
WHEEL_BIN = ROOT / ".setup" / "wheel" / "bin"
STREAM = ("test_storm.py", "test_stream*.py", "test_conformance*.py", "test_client_*.py", "test_deployment.py")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True)
class Count:
    """How many checks passed, failed and were skipped."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


@dataclass(frozen=True)
class Suite:
    """One command. `group` names it for `--only`; `needs` is a suite that must have passed before it makes sense.

    Suites of one `lane` run one after the other, beside the other lanes; those without run alone after all lanes.
    """

    name: str
    group: str
    command: tuple[str, ...]
    has_report: bool = False
    needs: str | None = None
    on_request: bool = False
    lane: str | None = None
    environment: dict[str, str] = field(default_factory=dict)


def report_path(suite_name: str) -> Path:
    """Return where the JUnit file of a suite goes."""
    return RESULTS / f"{suite_name.replace(' ', '-')}.xml"


def _tool(name: str, program: str, *arguments: str) -> Suite:
    return Suite(name, "static", (str(BIN / program), *arguments), lane="calculating")


def _npm(name: str, group: str, script: str, *arguments: str, has_report: bool = False) -> Suite:
    command = ("npm", "--prefix", "web", "run", script, "--", *arguments)
    return Suite(name, group, command, has_report=has_report, lane="calculating")


def _pytest(
    name: str,
    *arguments: str,
    group: str | None = None,
    needs: str | None = None,
    on_request: bool = False,
    lane: str | None = None,
    kernel: str | None = None,
) -> Suite:
    browser = next((path for path in map(shutil.which, BROWSERS) if path), "")
    return Suite(
        name,
        group or name,
        (str(BIN / "python"), "-m", "pytest", f"--junit-xml={report_path(name)}", *arguments),
        has_report=True,
        needs=needs,
        on_request=on_request,
        lane=lane,
        environment=({"PAPERTAPE_BIN": str(WHEEL_BIN / "papertape"), "PAPERTAPE_CHROMIUM": browser} if needs else {})
        | ({"PAPERTAPE_KERNEL": kernel} if kernel else {}),
    )


def _stream_scenarios() -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for pattern in STREAM for path in ROOT.glob(f"tests/scenario/{pattern}"))


def _kernel_tests() -> list[str]:
    # The other suites run the kernel as it is compiled; interpreted it is what the compiled one is held against.
    return [
        *(f"tests/unit/{part}" for part in ("model", "indicators", "strategy", "broker", "engine")),
        "tests/property",
    ]


def _ignored() -> list[str]:
    return [f"--ignore-glob=tests/scenario/{pattern}" for pattern in STREAM]


def suites() -> list[Suite]:
    """Return every suite in the order it runs: quick answers first, the browser last."""
    return [
        _tool("ruff check", "ruff", "check"),
        _tool("ruff format", "ruff", "format", "--check"),
        _tool("mypy", "mypy"),
        _tool("import contracts", "lint-imports"),
        _npm("web typecheck", "static", "typecheck"),
        _npm("web lint", "static", "lint"),
        _pytest("parts", "tests/unit", "tests/property", "tests/reference", group="pytest", lane="calculating"),
        _pytest("oracle", *_kernel_tests(), group="pytest", lane="calculating", kernel="interpreted"),
        _pytest("stream", *_stream_scenarios(), group="pytest", lane="calculating"),
        _pytest("scenarios", "tests/contract", "tests/scenario", *_ignored(), group="pytest", lane="waiting"),
        _npm(
            "vitest",
            "vitest",
            "test",
            "--reporter=default",
            "--reporter=junit",
            f"--outputFile.junit={report_path('vitest')}",
            has_report=True,
        ),
        Suite("wheel", "wheel", ("scripts/wheel.sh", "--install"), lane="calculating"),
        _pytest("e2e", "tests/e2e", "-m", "not soak", needs="wheel"),
        _pytest("soak", "tests/e2e", "-m", "soak", needs="wheel", on_request=True),
    ]


def count_report(path: Path) -> Count:
    """Return the counts of a JUnit file; a missing or unreadable one counts nothing."""
    try:
        cases = list(ET.parse(path).getroot().iter("testcase"))
    except (OSError, ET.ParseError):
        return Count()
    failed = sum(1 for case in cases if case.find("failure") is not None or case.find("error") is not None)
    skipped = sum(1 for case in cases if case.find("skipped") is not None)
    return Count(len(cases) - failed - skipped, failed, skipped)


def count_suite(has_report: bool, exit_code: int, report: Count) -> Count:
    """Return what a finished suite adds to the sum."""
    if not has_report:
        return Count(passed=1) if exit_code == 0 else Count(failed=1)
    if report == Count() or (exit_code != 0 and report.failed == 0):
        return report + Count(failed=1)
    return report


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _run(suite: Suite) -> Count:
    report = report_path(suite.name)
    report.unlink(missing_ok=True)
    title = f"── {suite.name} " + "─" * max(2, 76 - len(suite.name))
    _say(f"\n{title}" if suite.lane is None else f"{suite.name} …")
    started = time.monotonic()
    is_shown_later = suite.lane is not None
    process = subprocess.run(
        suite.command,
        cwd=ROOT,
        env={**os.environ, **suite.environment},
        check=False,
        stdout=subprocess.PIPE if is_shown_later else None,
        stderr=subprocess.STDOUT if is_shown_later else None,
    )
    count = count_suite(suite.has_report, process.returncode, count_report(report))
    said = f"\n{title}\n{process.stdout.decode(errors='replace')}" if is_shown_later else ""
    _say(f"{said}{suite.name}: {count} in {time.monotonic() - started:.0f} s")
    return count


def run_suites(chosen: list[Suite], run: Callable[[Suite], Count] = _run) -> dict[str, Count]:
    """Run the suites lane by lane, then those without one; one whose need failed is not run and counts as a failure."""
    lanes: dict[str, list[Suite]] = {}
    for suite in chosen:
        if suite.lane is not None:
            lanes.setdefault(suite.lane, []).append(suite)
    counts: dict[str, Count] = {}
    with ThreadPoolExecutor(max_workers=max(1, len(lanes))) as pool:
        for finished in [pool.submit(_run_in_order, suites, counts, run) for suites in lanes.values()]:
            finished.result()
    _run_in_order([suite for suite in chosen if suite.lane is None], counts, run)
    return {suite.name: counts[suite.name] for suite in chosen}


def _run_in_order(suites: list[Suite], counts: dict[str, Count], run: Callable[[Suite], Count]) -> None:
    for suite in suites:
        if suite.needs in counts and counts[suite.needs].failed:
            _say(f"\n── {suite.name}: not run, because {suite.needs} failed")
            counts[suite.name] = Count(failed=1)
        else:
            counts[suite.name] = run(suite)


def main() -> int:
    """Run what was asked for and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    groups = sorted({suite.group for suite in suites()})
    parser.add_argument("--only", action="append", choices=groups, help="run only this group; may be repeated")
    only = parser.parse_args().only
    chosen = [suite for suite in suites() if (suite.group in only if only else not suite.on_request)]

    RESULTS.mkdir(exist_ok=True)
    counts = run_suites(chosen)
    total = sum(counts.values(), Count())
    width = max(len(name) for name in counts)
    _say("")
    for name, count in counts.items():
        _say(f"{'ok    ' if not count.failed else 'FAILED'}  {name:<{width}}  {count}")
    (RESULTS / "summary.txt").write_text(f"{total}\n")
    _say(f"\n{total}")
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
