"""Exact money: explicit decimal contexts, the rounding of fees, and plain forms for facts."""

from __future__ import annotations

from decimal import (
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
)

from papertape.model.instrument import Instrument

EXACT = Context(prec=50, rounding=ROUND_HALF_EVEN, traps=[DivisionByZero, Inexact, InvalidOperation, Overflow])
"""For sums and products that must be exact: a result that would need rounding raises `decimal.Inexact`."""

ROUNDED = Context(prec=50, rounding=ROUND_HALF_EVEN, traps=[DivisionByZero, InvalidOperation, Overflow])
"""For derived figures (averages, percentages) only; never added to an account."""

ZERO = Decimal(0)
MONEY_UNIT = Decimal("0.00000001")
_ONE = Decimal(1)
_AVERAGE_EXTRA_DECIMALS = 8


def notional(instrument: Instrument, price_lots: int) -> Decimal:
    """Return `Σ price × size`, both as the instrument's integers, as an exact amount in quote units."""
    return EXACT.scaleb(Decimal(price_lots), -(instrument.price_decimals + instrument.size_decimals))


def fee(amount: Decimal, rate: Decimal) -> Decimal:
    """Return the fee on a fill: `amount × rate`, rounded half-up to 8 decimals, each fill on its own."""
    return EXACT.multiply(amount, rate).quantize(MONEY_UNIT, rounding=ROUND_HALF_UP, context=ROUNDED)


def share(amount: Decimal, part: int, whole: int) -> Decimal:
    """Return `amount × part / whole`, rounded half-up to 8 decimals."""
    exact = ROUNDED.divide(ROUNDED.multiply(amount, Decimal(part)), Decimal(whole))
    return exact.quantize(MONEY_UNIT, rounding=ROUND_HALF_UP, context=ROUNDED)


def divided_up(amount: Decimal, divisor: int) -> Decimal:
    """Return `amount / divisor` rounded up to 8 decimals: what must be set aside is never too little."""
    return ROUNDED.divide(amount, Decimal(divisor)).quantize(MONEY_UNIT, rounding=ROUND_UP, context=ROUNDED)


def average_price(instrument: Instrument, price_lots: int, lots: int) -> Decimal:
    """Return the average price of `lots` bought or sold for `price_lots`, to 8 decimals more than the price has."""
    price = ROUNDED.scaleb(ROUNDED.divide(Decimal(price_lots), Decimal(lots)), -instrument.price_decimals)
    unit = EXACT.scaleb(_ONE, -(instrument.price_decimals + _AVERAGE_EXTRA_DECIMALS))
    return plain(price.quantize(unit, context=ROUNDED))


def percent(part: Decimal, whole: Decimal) -> float:
    """Return `part` as a percentage of `whole`, 0 when there is no whole."""
    return float(ROUNDED.divide(ROUNDED.multiply(part, Decimal(100)), whole)) if whole else 0.0


def plain(amount: Decimal) -> Decimal:
    """Return the same number without trailing zeros or a positive exponent, so that equal amounts encode equally."""
    short = EXACT.plus(EXACT.normalize(amount))
    exponent = short.as_tuple().exponent
    return EXACT.quantize(short, _ONE) if isinstance(exponent, int) and exponent > 0 else short
