"""Money as people and facts read it: Decimal from the integers of the kernel, in explicit contexts."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow

from papertape.model.instrument import Instrument

EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN, traps=[DivisionByZero, Inexact, InvalidOperation, Overflow])
"""For what must be exact: a result that would need rounding raises `decimal.Inexact`."""

ROUNDED = Context(prec=60, rounding=ROUND_HALF_EVEN, traps=[DivisionByZero, InvalidOperation, Overflow])
"""For derived figures (averages, percentages) only; never added to an account."""

FEE_DECIMALS = 8
"""Decimals to which fees, margins and shares of them are rounded."""

AVERAGE_DECIMALS = 8
"""Decimals that an average price has beyond those of a price."""

_ONE = Decimal(1)


def money_decimals(instruments: list[Instrument], capital: Decimal) -> int:
    """Return the decimals of the unit in which an account is kept exactly."""
    exponent = capital.as_tuple().exponent
    own = -exponent if isinstance(exponent, int) else 0
    return max(FEE_DECIMALS, own, *(each.price_decimals + each.size_decimals for each in instruments))


def money_int(amount: Decimal, decimals: int) -> int:
    """Return an amount in units of money."""
    return int(EXACT.scaleb(amount, decimals))


def amount_decimal(units: int, decimals: int) -> Decimal:
    """Return units of money as an amount without trailing zeros."""
    return plain(EXACT.scaleb(Decimal(units), -decimals))


def fee_decimal(units: int, decimals: int) -> Decimal:
    """Return a fee, a whole number of its 8 decimals, with all of them."""
    return EXACT.scaleb(Decimal(units // 10 ** (decimals - FEE_DECIMALS)), -FEE_DECIMALS)


def average_decimal(instrument: Instrument, average: int) -> Decimal:
    """Return an average price kept with 8 decimals more than prices have."""
    return plain(EXACT.scaleb(Decimal(average), -(instrument.price_decimals + AVERAGE_DECIMALS)))


def average_price(instrument: Instrument, price_lots: int, lots: int) -> Decimal:
    """Return the average price of `lots` bought or sold for `price_lots`, to 8 decimals more than the price has."""
    whole, rest = divmod(price_lots * 10**AVERAGE_DECIMALS, lots)
    is_up = rest * 2 > lots or (rest * 2 == lots and whole % 2 == 1)
    return average_decimal(instrument, whole + is_up)


def percent(part: Decimal, whole: Decimal) -> float:
    """Return `part` as a percentage of `whole`, 0 when there is no whole."""
    return float(ROUNDED.divide(ROUNDED.multiply(part, Decimal(100)), whole)) if whole else 0.0


def plain(amount: Decimal) -> Decimal:
    """Return the same number without trailing zeros or a positive exponent, so that equal amounts encode equally."""
    short = EXACT.plus(EXACT.normalize(amount))
    exponent = short.as_tuple().exponent
    return EXACT.quantize(short, _ONE) if isinstance(exponent, int) and exponent > 0 else short
