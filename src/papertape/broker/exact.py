"""Exact products and quotients of integers: the arithmetic of money in its smallest unit.

What is small is reckoned in 64 bits, where every step is shown to fit; the rest as Python's integers.
"""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.model.buffers import Exact
from papertape.model.narrow import is_small_product, narrow

_SAFE = 4.0e18
"""Products below this surely fit 64 bits."""

_QUARTER = 1 << 60
"""Twice a number below this and another below it still fit 64 bits."""

_EXACT_FLOATS = 1 << 53
"""Integers below this are float64 as they are, so that their quotient is rounded once, as that of integers is."""


def product(price: int, size: int) -> Exact:
    """Return `price × size` however large it is."""
    if float(price) * float(size) < _SAFE and float(price) * float(size) > -_SAFE:
        return price * size
    return _wide_product(price, size)


def worth(price: int, size: int, factor: Exact) -> Exact:
    """Return `price × size × factor` however large it is."""
    by = narrow(factor)
    if is_small_product(price, size) and is_small_product(price * size, by):
        return price * size * by
    return product(price, size) * factor


def half_up(numerator: Exact, denominator: Exact) -> Exact:
    """Return the quotient rounded half away from zero; the denominator is positive."""
    top = narrow(numerator)
    bottom = narrow(denominator)
    if -_QUARTER < top < _QUARTER and 0 < bottom < _QUARTER:
        return small_half_up(top, bottom)
    doubled = numerator + numerator
    if numerator < 0:
        return -((denominator - doubled) // (denominator + denominator))
    return (doubled + denominator) // (denominator + denominator)


def small_half_up(numerator: int, denominator: int) -> int:
    """Return the quotient rounded half away from zero; both are below 2^60, the denominator is positive."""
    if numerator < 0:
        return -((denominator - 2 * numerator) // (2 * denominator))
    return (2 * numerator + denominator) // (2 * denominator)


def half_even(numerator: Exact, denominator: Exact) -> Exact:
    """Return the quotient rounded half to even; the denominator is positive."""
    top = narrow(numerator)
    bottom = narrow(denominator)
    if -_QUARTER < top < _QUARTER and 0 < bottom < _QUARTER:
        return _small_half_even(top, bottom)
    whole = numerator // denominator
    doubled = 2 * (numerator - whole * denominator)
    if doubled > denominator or (doubled == denominator and whole % 2 == 1):
        return whole + 1
    return whole


def half_even_units(numerator: Exact, denominator: int, units: int) -> Exact:
    """Return `numerator × units / denominator` rounded half to even; the last two are positive, `units` is even."""
    top = narrow(numerator)
    if top >= 0 and denominator < _QUARTER:
        whole = top // denominator
        rest = top - whole * denominator
        if is_small_product(whole, units) and is_small_product(rest, units):
            # an even number and the rounded rest of less than `units`: parity is that of the rest
            return whole * units + _small_half_even(rest * units, denominator)
    return half_even(numerator * units, denominator)


def rounded_up(numerator: Exact, denominator: Exact) -> Exact:
    """Return the quotient rounded towards plus infinity; the denominator is positive."""
    return -(-numerator // denominator)


def ratio(numerator: Exact, denominator: Exact) -> float:
    """Return the float64 nearest to the quotient; the denominator is positive.

    Raises:
        OverflowError: it is beyond float64.
    """
    top = narrow(numerator)
    bottom = narrow(denominator)
    if -_EXACT_FLOATS < top < _EXACT_FLOATS and 0 < bottom < _EXACT_FLOATS:
        return float(top) / float(bottom)
    return numerator / denominator


def _small_half_even(numerator: int, denominator: int) -> int:
    whole = numerator // denominator
    doubled = 2 * (numerator - whole * denominator)
    if doubled > denominator or (doubled == denominator and whole % 2 == 1):
        return whole + 1
    return whole


def _wide_product(price: Exact, size: Exact) -> Exact:
    return price * size
