"""An instrument's rules as the integers of the kernel. Money is in units of `10**-money_decimals` of the quote."""

from __future__ import annotations

from papertape.model.instrument import Instrument


def smallest_lots(instrument: Instrument) -> int:
    """Return the minimum quantity as an integer size, rounded up."""
    numerator, denominator = instrument.min_quantity.as_integer_ratio()
    return -int(-numerator * 10**instrument.size_decimals // denominator)


def smallest_notional(instrument: Instrument, money_decimals: int) -> int:
    """Return the minimum notional in units of money, rounded up."""
    numerator, denominator = instrument.min_notional.as_integer_ratio()
    return -int(-numerator * 10**money_decimals // denominator)


def money_factor(instrument: Instrument, money_decimals: int) -> int:
    """Return how many units of money one unit of price × size is worth."""
    return int(10 ** (money_decimals - instrument.price_decimals - instrument.size_decimals))


def average_scale(instrument: Instrument) -> int:
    """Return how many units of an average price, which has 8 decimals more than prices, make one of the quote."""
    return int(10 ** (instrument.price_decimals + 8))
