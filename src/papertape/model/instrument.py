"""What can be traded, and the one named place that converts between text, integers, Decimal and float."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Literal

import msgspec

from papertape.errors import Invalid

InstrumentId = str
"""`BTCUSDT.BINANCE` for spot, `BTCUSDT-PERP.BINANCE` for a perpetual."""

InstrumentKind = Literal["spot", "perpetual"]

_ID = re.compile(r"^[A-Z0-9]+(-PERP)?\.[A-Z0-9]+$")


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """A tradable pair at one venue with its trading rules.

    Market prices travel as integers in units of `10**-price_decimals`, sizes as integers in units of
    `10**-size_decimals`; `price_float` and `price_decimal` (and their size twins) are the only conversions.
    """

    id: InstrumentId
    symbol: str
    venue: str
    kind: InstrumentKind
    base: str
    quote: str
    price_decimals: int
    size_decimals: int
    price_increment: Decimal
    size_increment: Decimal
    min_quantity: Decimal
    min_notional: Decimal
    max_leverage: int = 1

    def parse_price(self, text: str) -> int:
        """Return a decimal text such as `"61800.20"` as an integer price.

        Raises:
            Invalid: the text has more decimals than the instrument.
        """
        return _scaled(text, self.price_decimals, self.id, "price")

    def parse_size(self, text: str) -> int:
        """Return a decimal text as an integer size; raises `Invalid` as `parse_price` does."""
        return _scaled(text, self.size_decimals, self.id, "size")

    def price_float(self, price: int) -> float:
        """Return an integer price as the nearest float64 (correctly rounded)."""
        return price / 10**self.price_decimals  # type: ignore[no-any-return]  # int ** int is Any to mypy

    def size_float(self, size: int) -> float:
        """Return an integer size as the nearest float64 (correctly rounded)."""
        return size / 10**self.size_decimals  # type: ignore[no-any-return]  # int ** int is Any to mypy

    def price_decimal(self, price: int) -> Decimal:
        """Return an integer price as an exact Decimal."""
        return Decimal(price).scaleb(-self.price_decimals)

    def size_decimal(self, size: int) -> Decimal:
        """Return an integer size as an exact Decimal."""
        return Decimal(size).scaleb(-self.size_decimals)

    def price_int(self, price: Decimal) -> int:
        """Return a Decimal price, already on the instrument's decimals, as an integer."""
        return int(price.scaleb(self.price_decimals))

    def size_int(self, size: Decimal) -> int:
        """Return a Decimal size, already on the instrument's decimals, as an integer."""
        return int(size.scaleb(self.size_decimals))


def check_instrument_id(text: str) -> InstrumentId:
    """Return `text` when it is a well-formed instrument id.

    Raises:
        Invalid: it is not of the form `SYMBOL.VENUE` or `SYMBOL-PERP.VENUE`.
    """
    if not _ID.match(text):
        raise Invalid(
            f"{text!r} is not an instrument id; expected SYMBOL.VENUE such as BTCUSDT.BINANCE, "
            "or SYMBOL-PERP.VENUE for a perpetual.",
            code="instrument.malformed_id",
        )
    return text


def _scaled(text: str, decimals: int, instrument: str, what: str) -> int:
    whole, _, fraction = text.partition(".")
    if len(fraction) > decimals:
        if fraction[decimals:].strip("0"):
            raise Invalid(
                f"The {what} {text} of {instrument} has more than its {decimals} decimals; "
                "the venue's trading rules may have changed: reload the instruments.",
                code=f"instrument.{what}_decimals",
            )
        fraction = fraction[:decimals]
    return int(whole + fraction.ljust(decimals, "0"))
