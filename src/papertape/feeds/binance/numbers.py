"""Fast conversion of the venue's decimal texts into an instrument's integers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from papertape.model.instrument import Instrument

IntegerParser = Callable[[str], int]

# Spot prints every number with eight decimals, whatever the instrument's own precision.
_PADDED_DECIMALS = 8
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")


class Scale(NamedTuple):
    """The two parsers of one instrument: decimal text to integer price, decimal text to integer size.

    Prices are exact, as `Instrument.parse_price`. Sizes are cut to the instrument's decimals: real books hold
    remainders finer than today's lot, from before the lot was made coarser, and less than a lot cannot be traded.
    Both raise `ValueError` for what is no number, and the price parser `Invalid` for a price off the decimals.
    """

    price: IntegerParser
    size: IntegerParser


def make_scale(instrument: Instrument) -> Scale:
    """Return the parsers of an instrument, fast on the venue's fixed-width texts."""
    return Scale(
        _price_parser(instrument.price_decimals, instrument.parse_price), _size_parser(instrument.size_decimals)
    )


def _price_parser(decimals: int, exact: IntegerParser) -> IntegerParser:
    cut = _PADDED_DECIMALS - decimals
    padding = "0" * max(0, cut)
    point = -_PADDED_DECIMALS - 1
    fraction_end = -cut if cut else None
    plain_point = -decimals - 1

    def parse(text: str) -> int:
        digits = ""
        if cut >= 0 and text[point : point + 1] == "." and text.endswith(padding):
            digits = text[:point] + text[-_PADDED_DECIMALS:fraction_end]
        elif decimals and text[plain_point : plain_point + 1] == ".":
            digits = text[:plain_point] + text[-decimals:]
        return int(digits) if digits.isdigit() else exact(_checked(text))

    return parse


def _size_parser(decimals: int) -> IntegerParser:
    cut = _PADDED_DECIMALS - decimals
    point = -_PADDED_DECIMALS - 1
    fraction_end = -cut if cut else None

    def parse(text: str) -> int:
        if cut >= 0 and text[point : point + 1] == ".":
            digits = text[:point] + text[-_PADDED_DECIMALS:fraction_end]
            if digits.isdigit():
                return int(digits)
        whole, _, fraction = _checked(text).partition(".")
        return int(whole + fraction[:decimals].ljust(decimals, "0"))

    return parse


def _checked(text: str) -> str:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text!r} is not a number")
    return text
