"""Integers of any size as integers of 64 bits, where they fit: most money does, and C reckons faster with them."""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.model.buffers import Exact

MASK = (1 << 62) - 1
WIDE = -9_223_372_036_854_775_807
"""Stands for a number of more than 62 bits."""

_SMALL = 1.0e18


def narrow(number: Exact) -> int:
    """Return a number of up to 62 bits as it is, and `WIDE` for any other."""
    try:
        low: int = number
    except OverflowError:  # compiled, where it is taken from Python's integer
        return WIDE
    return low if -MASK <= low <= MASK else WIDE


def is_small_product(left: int, right: int) -> bool:
    """Return whether the product of two narrow numbers surely is below 2^60; never when one is `WIDE`."""
    if left == WIDE or right == WIDE:
        return False
    size = float(left) * float(right)
    return -_SMALL < size < _SMALL
