"""The words for numbers in the kernel, and the buffers they are kept in.

Interpreted they say how a value is meant; compiled, `Ints` and `Floats` are typed buffers, `int` has 64 bits, and
`Exact` stays an integer without bounds.
"""

from __future__ import annotations

from array import array
from typing import TypeAlias

Ints: TypeAlias = "array[int]"
"""A buffer of 64-bit integers, made by `ints(n)`."""

Floats: TypeAlias = "array[float]"
"""A buffer of float64, made by `floats(n)`."""

Exact = int
"""An integer of any size: money in its smallest unit."""


def ints(count: int) -> Ints:
    """Return a buffer of `count` zeros."""
    return array("q", (0,)) * count


def floats(count: int) -> Floats:
    """Return a buffer of `count` zeros."""
    return array("d", (0.0,)) * count
