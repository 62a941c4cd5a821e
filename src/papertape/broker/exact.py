"""Exact products and quotients of integers: the arithmetic of money in its smallest unit."""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.model.buffers import Exact

_SAFE = 4.0e18
"""Products below this surely fit 64 bits."""


def product(price: int, size: int) -> Exact:
    """Return `price × size` however large it is."""
    if float(price) * float(size) < _SAFE and float(price) * float(size) > -_SAFE:
        return price * size
    return _wide_product(price, size)


def half_up(numerator: Exact, denominator: Exact) -> Exact:
    """Return the quotient rounded half away from zero; the denominator is positive."""
    doubled = numerator + numerator
    if numerator < 0:
        return -((denominator - doubled) // (denominator + denominator))
    return (doubled + denominator) // (denominator + denominator)


def half_even(numerator: Exact, denominator: Exact) -> Exact:
    """Return the quotient rounded half to even; the denominator is positive."""
    whole = numerator // denominator
    doubled = 2 * (numerator - whole * denominator)
    if doubled > denominator or (doubled == denominator and whole % 2 == 1):
        return whole + 1
    return whole


def rounded_up(numerator: Exact, denominator: Exact) -> Exact:
    """Return the quotient rounded towards plus infinity; the denominator is positive."""
    return -(-numerator // denominator)


def _wide_product(price: Exact, size: Exact) -> Exact:
    return price * size
