"""Classical indicators beside StockCharts' tables."""

from __future__ import annotations

import pytest

from papertape.testkit.references.agreement import assert_equal, assert_of_another_definition, cases_of

SOURCE = "ta-stockcharts-reference"


@pytest.mark.parametrize("name", cases_of(SOURCE))
def test_equals_the_column_to_the_precision_of_the_file(name: str) -> None:
    assert_equal(name)


@pytest.mark.parametrize("name", cases_of(SOURCE, are_contrary=True))
def test_differs_where_the_source_means_something_else(name: str) -> None:
    assert_of_another_definition(name)
