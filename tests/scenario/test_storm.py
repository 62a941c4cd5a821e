"""Every stress scenario of the stream once, all at a time. `make storm` runs them again and again with other seeds."""

from __future__ import annotations

import asyncio
import os

import pytest
import structlog

from papertape.testkit.faults import Reset, Step
from papertape.testkit.storm.catalogue import SCENARIOS
from papertape.testkit.storm.command import Outcome, describe, storm
from papertape.testkit.storm.run import Report
from papertape.testkit.storm.scenario import Crowd, Load, Promise, Scenario

_SEED = int(os.environ.get("PAPERTAPE_STORM_SEED", "1"))


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    with structlog.testing.capture_logs():  # what scenarios provoke is logged as it should be
        return asyncio.run(storm([*SCENARIOS.values()], _SEED, seconds=0))


@pytest.fixture(scope="module")
def reports(outcome: Outcome) -> dict[str, Report]:
    return {report.scenario: report for report in outcome.reports}


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_promises_hold_in_the_scenario(reports: dict[str, Report], name: str) -> None:
    report = reports[name]
    assert report.broken == [], f"replay: make storm ONLY={name} SEED={report.seed}\n{report.seen}\n{report.script}"


def test_nothing_fails_unheard_in_the_loop(outcome: Outcome) -> None:
    assert outcome.loop_errors == []


def test_no_file_is_left_open(outcome: Outcome) -> None:
    assert outcome.open_files_more <= 0


def test_a_broken_promise_is_reported_with_the_command_that_replays_it() -> None:
    cut_in_spite = Scenario(
        name="calm",
        what="A connection is cut although the scenario promises calm.",
        crowds=(Crowd(count=1),),
        load=Load(seconds=0.3),
        script=(Step(at_s=0.1, fault=Reset()),),
        promise=Promise(undisturbed=True),
    )
    told = describe(asyncio.run(storm([cut_in_spite], 5, seconds=0)))
    (violation,) = told["violations"]
    assert violation["broken"] == ["follower-1: connected 2 times although nothing was wrong"]
    assert violation["replay"] == "python -m papertape.testkit.storm --seconds 0 --seed 5 --only calm"
    assert told["by_scenario"]["calm"]["verdict"] == "broken"
