"""Every case of every source, compared once, and what is left out with its reason."""

from __future__ import annotations

from functools import cache

from papertape.indicators.catalogue import CATALOGUE
from papertape.testkit.references import lean_cases, stock_indicators_cases, stockcharts_cases, talib_cases
from papertape.testkit.references.case import Case
from papertape.testkit.references.compare import Comparison, compare

CASES: dict[str, Case] = {
    case.name: case
    for cases in (talib_cases.CASES, stock_indicators_cases.CASES, stockcharts_cases.CASES, lean_cases.CASES)
    for case in cases
}
"""All cases by name, source by source."""

SOURCES = tuple(dict.fromkeys(case.source for case in CASES.values()))

UNCOMPARED: dict[str, str] = {
    "ichimoku_chikou": "it is a close of before, nothing is computed; no file has the column",
}
"""Classical kinds that no file has a column of, each with what is said of it."""


def classical_kinds() -> list[str]:
    """Return the kinds of the catalogue that are computed from bars, by name."""
    return [name for name, kind in CATALOGUE.items() if "bars" in kind.inputs]


@cache
def compared(name: str) -> Comparison:
    """Return the comparison of the case called `name`, computed at the first call."""
    return compare(CASES[name])
