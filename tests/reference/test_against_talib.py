"""Classical indicators beside TA-Lib's output on real crypto candles."""

from __future__ import annotations

import pytest

from papertape.testkit.references.agreement import assert_equal, cases_of, comparison_of

SOURCE = "talib-on-crypto"


@pytest.mark.parametrize("name", cases_of(SOURCE))
def test_equals_the_column_to_the_precision_of_the_file(name: str) -> None:
    assert_equal(name)


@pytest.mark.parametrize("name", cases_of(SOURCE))
def test_has_its_first_value_at_the_same_bar(name: str) -> None:
    theirs, ours = comparison_of(name).started
    assert ours == theirs
