"""The page of comparisons says what the code computes."""

from __future__ import annotations

from pathlib import Path

import pytest

from papertape.testkit.references.__main__ import main
from papertape.testkit.references.page import COMMAND, PAGE_FILE, page
from papertape.testkit.references.sources import CASES, SOURCES
from papertape.testkit.shared_data import shared_data

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_is_up_to_date() -> None:
    for source in SOURCES:
        shared_data(source)
    written = (ROOT / PAGE_FILE).read_text(encoding="utf-8")
    assert written == page(), f"an indicator or a case has changed: run .venv/bin/{COMMAND}"


def test_the_command_prints_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    for source in SOURCES:
        shared_data(source)
    assert main() == 0
    assert capsys.readouterr().out == page()


def test_no_two_cases_have_the_same_name() -> None:
    assert len({(case.source, case.file, case.column, case.kind) for case in CASES.values()}) <= len(CASES)
    assert all(name == case.name for name, case in CASES.items())
