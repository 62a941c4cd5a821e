"""Runs scenarios many at a time, in cycles with derived seeds until the time is over, and says what held."""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import platform
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import structlog

from papertape.testkit.storm.catalogue import SCENARIOS
from papertape.testkit.storm.ledger import TaskLedger
from papertape.testkit.storm.run import Report, run_scenario
from papertape.testkit.storm.scenario import Scenario

AT_ONCE = 16
_SUMMED = ("facts", "delivered", "connects", "resumes", "snapshots", "duplicates_dropped", "holes_found", "faults")


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a storm came to: the reports of every run, what failed unheard in the loop, and what the process was left
    with.
    """

    seed: int
    seconds: float
    reports: list[Report]
    loop_errors: list[str]
    open_files_more: int
    memory_mb: float
    memory_mb_after_first_cycle: float

    @property
    def is_held(self) -> bool:
        """Return whether everything held."""
        return not self.loop_errors and not any(report.broken for report in self.reports)


async def storm(scenarios: Sequence[Scenario], seed: int, seconds: float, at_once: int = AT_ONCE) -> Outcome:
    """Run every scenario at least once, and all of them again with further seeds until `seconds` are over."""
    ledger = TaskLedger()
    loop = asyncio.get_running_loop()
    ledger.install(loop)
    errors: list[str] = []
    loop.set_exception_handler(lambda _, context: errors.append(_say(context)))
    started = time.monotonic()
    before = _open_files()
    reports: list[Report] = []
    memory_first = 0.0
    cycle = 0
    while cycle == 0 or time.monotonic() - started < seconds:
        last = started + seconds if cycle else float("inf")
        reports += await _cycle(scenarios, seed + cycle, ledger, at_once, last)
        memory_first = memory_first or _memory_mb()
        cycle += 1
    gc.collect()  # a task that failed unheard says so when it is collected
    return Outcome(
        seed=seed,
        seconds=round(time.monotonic() - started, 1),
        reports=reports,
        loop_errors=errors,
        open_files_more=_open_files() - before,
        memory_mb=_memory_mb(),
        memory_mb_after_first_cycle=memory_first,
    )


async def _cycle(
    scenarios: Sequence[Scenario], seed: int, ledger: TaskLedger, at_once: int, last: float
) -> list[Report]:
    waiting = [scenario for scenario in scenarios if not scenario.alone]
    reports: list[Report] = []

    async def work() -> None:
        while waiting and time.monotonic() < last:
            reports.append(await run_scenario(waiting.pop(0), seed, ledger))

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(work())
    alone = (scenario for scenario in scenarios if scenario.alone)
    return [*reports, *[await run_scenario(one, seed, ledger) for one in alone if time.monotonic() < last]]


def describe(outcome: Outcome) -> dict[str, Any]:
    """Return the outcome as a document: each scenario's rounds, what was seen in them, and its verdict."""
    by_name: dict[str, list[Report]] = {}
    for report in outcome.reports:
        by_name.setdefault(report.scenario, []).append(report)
    broken = [report for report in outcome.reports if report.broken]
    return {
        "what": "stress scenarios of the stream, each with its invariants",
        "seed": outcome.seed,
        "machine": _machine(),
        "seconds": outcome.seconds,
        "scenarios": len(by_name),
        "runs": len(outcome.reports),
        "broken": len(broken),
        "loop_errors": outcome.loop_errors[:20],
        "open_files_more": outcome.open_files_more,
        "memory_mb": outcome.memory_mb,
        "memory_mb_after_first_cycle": outcome.memory_mb_after_first_cycle,
        "sums": {name: sum(report.seen[name] for report in outcome.reports) for name in _SUMMED},
        "by_scenario": {name: _describe_scenario(name, reports) for name, reports in sorted(by_name.items())},
        "violations": [_describe_violation(report) for report in broken],
    }


def _describe_scenario(name: str, reports: list[Report]) -> dict[str, Any]:
    closes: Counter[str] = Counter()
    for report in reports:
        closes.update(report.seen["closes"])
    return {
        "what": SCENARIOS[name].what,
        "verdict": "broken" if any(report.broken for report in reports) else "held",
        "rounds": len(reports),
        "cuts": sum(report.seen["faults"] for report in reports),
        "seconds": round(max(report.seen["seconds"] for report in reports), 2),
        **{key: sum(report.seen[key] for report in reports) for key in _SUMMED if key != "faults"},
        "worst_queue_bytes": max(report.seen["worst_queue_bytes"] for report in reports),
        "closes": dict(sorted(closes.items())),
    }


def _describe_violation(report: Report) -> dict[str, Any]:
    return {
        "scenario": report.scenario,
        "replay": f"python -m papertape.testkit.storm --seconds 0 --seed {report.seed} --only {report.scenario}",
        "broken": report.broken,
        "seen": report.seen,
        "script": [f"{step.at_s} s, {step.on}: {step.fault or 'heal'}" for step in report.script],
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a storm from the command line and print one JSON document; 1 when something was broken."""
    parser = argparse.ArgumentParser(prog="python -m papertape.testkit.storm", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="every scenario runs once in any case")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", metavar="NAME", help="this scenario; may be given again")
    parser.add_argument("--at-once", type=int, default=AT_ONCE, help="how many scenarios run beside each other")
    parser.add_argument("--list", action="store_true", help="print the scenarios")
    given = parser.parse_args(arguments)
    if given.list:
        return _print({name: scenario.what for name, scenario in SCENARIOS.items()})
    unknown = [name for name in given.only or () if name not in SCENARIOS]
    if unknown:
        parser.error(f"there is no scenario {', '.join(unknown)}; --list names them")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))  # only the document is printed
    wanted = [SCENARIOS[name] for name in given.only or SCENARIOS]
    outcome = asyncio.run(storm(wanted, given.seed, given.seconds, given.at_once))
    _print(describe(outcome))
    return 0 if outcome.is_held else 1


def _print(document: object) -> int:
    json.dump(document, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
    return 0


def _say(context: dict[str, Any]) -> str:
    error = context.get("exception")
    where = context.get("future") or context.get("task") or context.get("handle") or ""
    return f"{context.get('message', '')}: {error!r} in {where!r:.200}"


def _machine() -> str:
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return f"{system}, loopback, load average {os.getloadavg()[0]:.1f}"


def _open_files() -> int:
    return len([*Path("/proc/self/fd").iterdir()]) if Path("/proc/self/fd").is_dir() else 0


def _memory_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)
