"""Fast conversion of the venue's decimal texts into an instrument's integers."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from papertape.model.instrument import Instrument

IntegerParser = Callable[[str], int]

# Spot prints every number with eight decimals, whatever the instrument's own precision.
_PADDED_DECIMALS = 8


class Scale(NamedTuple):
    """The two parsers of one instrument: decimal text to integer price, decimal text to integer size."""

    price: IntegerParser
    size: IntegerParser


def make_scale(instrument: Instrument) -> Scale:
    """Return parsers equal to `Instrument.parse_price` and `parse_size`, fast on the venue's fixed-width texts."""
    return Scale(
        _fast(instrument.price_decimals, instrument.parse_price),
        _fast(instrument.size_decimals, instrument.parse_size),
    )


def _fast(decimals: int, exact: IntegerParser) -> IntegerParser:
    cut = _PADDED_DECIMALS - decimals
    if cut < 0:
        return exact
    padding = "0" * cut
    point = -_PADDED_DECIMALS - 1
    whole_end = -_PADDED_DECIMALS - 1
    fraction_end = None if cut == 0 else -cut
    plain_point = -decimals - 1

    def parse(text: str) -> int:
        if text[point : point + 1] == "." and text.endswith(padding):
            return int(text[:whole_end] + text[-_PADDED_DECIMALS:fraction_end])
        if decimals and text[plain_point : plain_point + 1] == ".":
            return int(text[:plain_point] + text[-decimals:])
        return exact(text)

    return parse
