"""Fixed-point integers for running sums.

A float running sum drifts: what is added and later taken away leaves rounding behind, and the result depends on when
old trades were evicted. A float64 times 2**96 is an integer for every magnitude from 2**-44 (6e-14) up, so sums of such
integers are exact, whatever the order; smaller inputs lose what is below 2**-96 (1.3e-29). One division at the end
rounds once (Python divides integers correctly rounded).
"""

from __future__ import annotations

FIXED = 2.0**96
"""Factor from float64 to the fixed-point integer: `int(x * FIXED)`."""

FIXED_ONE = 1 << 96
"""The integer that stands for 1."""


def to_float(fixed: int) -> float:
    """Return the float64 nearest to a fixed-point integer."""
    return fixed / FIXED_ONE
