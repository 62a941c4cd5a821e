"""Classical indicators beside TA-Lib's output on real crypto candles."""

from __future__ import annotations

import pytest

from papertape.testkit.references.agreement import assert_equal, cases_of, comparison_of
from papertape.testkit.references.sources import CASES

SOURCE = "talib-on-crypto"
WITH_ANOTHER_LINE = {"macd", "stochastic_k", "stochastic_fast_k", "stoch_rsi_k"}
"""Kinds whose value TA-Lib keeps back until its other line, the signal, has one too."""


@pytest.mark.parametrize("name", cases_of(SOURCE))
def test_equals_the_column_to_the_precision_of_the_file(name: str) -> None:
    assert_equal(name)


@pytest.mark.parametrize("name", cases_of(SOURCE))
def test_has_its_first_value_at_the_same_bar(name: str) -> None:
    theirs, ours = comparison_of(name).started
    if CASES[name].kind in WITH_ANOTHER_LINE:
        assert ours is not None
        assert ours < theirs
    else:
        assert ours == theirs
