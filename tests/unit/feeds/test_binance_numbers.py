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
    scale = make_scale(instrument)
    assert (scale.price(text), scale.size(text)) == (instrument.parse_price(text), units)


@pytest.mark.parametrize("text", ["61837.63100000", "1.001", "0.00000001"])
def test_a_price_with_more_decimals_than_the_instrument_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        make_scale(instrument_with(2)).price(text)


@pytest.mark.parametrize(
    ("text", "lots"), [("93.75658700", 9_375_658), ("47.501967", 4_750_196), ("0.00000100", 0), ("2", 200_000)]
)
def test_a_remainder_finer_than_a_lot_is_cut_off_a_size(text: str, lots: int) -> None:
    assert make_scale(instrument_with(5)).size(text) == lots


@pytest.mark.parametrize("text", ["", "abc", "1.2.3", "1e5", "--1", "."])
def test_what_is_no_number_is_refused_with_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        make_scale(instrument_with(2)).size(text)
    with pytest.raises(ValueError, match=r"."):
        make_scale(instrument_with(2)).price(text)
