"""The fast number parsers equal the exact ones of the instrument."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertape.errors import Invalid
from papertape.feeds.binance.numbers import make_scale
from papertape.feeds.recorded.discover import Precision, make_instrument
from papertape.model.instrument import Instrument


def instrument_with(decimals: int) -> Instrument:
    precision = Precision()
    precision.price = precision.size = decimals
    return make_instrument("spot", "BTCUSDT", precision)


@given(st.integers(0, 10**15), st.integers(0, 10), st.integers(0, 10))
def test_a_number_is_parsed_to_the_same_integer_fast_and_exactly(units: int, decimals: int, printed: int) -> None:
    instrument = instrument_with(decimals)
    text = f"{Decimal(units).scaleb(-decimals):.{max(printed, decimals)}f}"
    assert make_scale(instrument).price(text) == instrument.parse_price(text) == units


@pytest.mark.parametrize("text", ["61837.63100000", "1.001", "0.00000001"])
def test_a_number_with_more_decimals_than_the_instrument_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        make_scale(instrument_with(2)).price(text)


@pytest.mark.parametrize("text", ["", "abc", "1.2.3", "1e5", "--1", "."])
def test_what_is_no_number_is_refused_with_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        make_scale(instrument_with(2)).size(text)
