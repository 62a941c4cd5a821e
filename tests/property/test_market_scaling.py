"""Decimal numbers of files become the exact integers they stand for, as text and as float64."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from papertape.store.market_scaling import LARGEST, decimals_needed, has_more_decimals, scaled

# What a float64 carries: 15 digits, of which up to 15 are behind the point.
numbers = st.builds(
    lambda units, decimals: Decimal(units).scaleb(-decimals),
    st.integers(min_value=1, max_value=LARGEST - 1),
    st.integers(min_value=0, max_value=15),
)


def fewest(number: Decimal) -> int:
    """Return how many decimals a number needs."""
    exponent = number.normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return max(0, -exponent)


@given(st.lists(numbers, min_size=1, max_size=20))
def test_text_and_float_need_the_same_decimals_as_the_numbers_themselves(chosen: list[Decimal]) -> None:
    expected = max(map(fewest, chosen))
    texts = pl.Series([format(number, "f") for number in chosen])
    floats = pl.Series([float(number) for number in chosen])
    assert (decimals_needed(texts), decimals_needed(floats)) == (expected, expected)


@given(numbers)
def test_the_integer_is_the_number_and_nothing_near_it(number: Decimal) -> None:
    decimals = fewest(number)
    expected = int(number.scaleb(decimals))
    for values in (pl.Series([format(number, "f")]), pl.Series([float(number)])):
        assert scaled(values, decimals)[0] == expected


@given(numbers, st.integers(min_value=0, max_value=15))
def test_what_needs_more_decimals_is_told_from_what_does_not(number: Decimal, decimals: int) -> None:
    expected = fewest(number) > decimals
    for values in (pl.Series([format(number, "f")]), pl.Series([float(number)])):
        assert has_more_decimals(values, decimals)[0] is expected
