"""No classical kind, and no file of a third party, is passed over in silence."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from papertape.testkit.references.agreement import is_bent
from papertape.testkit.references.case import Case
from papertape.testkit.references.sources import CASES, SOURCES, UNCOMPARED, classical_kinds
from papertape.testkit.references.talib_cases import FILES
from papertape.testkit.references.unmapped import UNMAPPED
from papertape.testkit.shared_data import shared_data

NOT_DATA = {"README.md", "LICENSE.source", "index.csv", "default.csv"}


@pytest.mark.parametrize("kind", classical_kinds())
def test_every_classical_kind_equals_a_third_party_or_says_why_none_can_tell(kind: str) -> None:
    cases = [case for case in CASES.values() if case.kind == kind and not case.is_contrary]
    assert bool(cases) != (kind in UNCOMPARED)


@pytest.mark.parametrize("source", SOURCES)
def test_every_file_of_a_source_has_a_case_or_a_reason(source: str) -> None:
    used = {case.file for case in CASES.values() if case.source == source} | set(UNMAPPED[source])
    files = {path.name for path in shared_data(source).rglob("*") if path.is_file()} - NOT_DATA
    assert {file for file in files if file not in used} == set()
    assert {name for name in UNMAPPED[source] if name not in files} <= set(columns(source))


def columns(source: str) -> list[str]:
    folder: Path = shared_data(source)
    return list(pl.read_parquet_schema(folder / FILES[0])) if source == "talib-on-crypto" else []


def test_every_column_of_ta_lib_has_a_case_or_a_reason() -> None:
    used = {case.column for case in CASES.values()} | set(UNMAPPED["talib-on-crypto"])
    inputs = {"ts", "open", "high", "low", "close", "volume"}
    assert set(columns("talib-on-crypto")) - inputs - used == set()


@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.name)
def test_a_case_that_does_more_than_compare_says_why(case: Case) -> None:
    assert bool(case.definition) == is_bent(case)


def test_every_case_is_of_a_classical_kind() -> None:
    assert {case.kind for case in CASES.values()} - set(classical_kinds()) == set()


def test_no_kind_that_is_compared_is_said_not_to_be() -> None:
    assert set(UNCOMPARED) & {case.kind for case in CASES.values()} == set()
