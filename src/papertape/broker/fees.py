"""What a fill costs: its share of the amount, each fill rounded on its own."""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from papertape.broker.exact import half_up, small_half_up
from papertape.model.buffers import Exact
from papertape.model.narrow import is_small_product, narrow


class FeeRate:
    """A fee as an exact fraction of an amount of money, rounded half-up to whole `unit`s of it.

    `part / whole` is how many units one of money pays; the small ones are the same, or `WIDE`.
    """

    __slots__ = ("part", "small_part", "small_unit", "small_whole", "unit", "whole")
    part: Exact
    whole: Exact
    unit: Exact
    small_part: int
    small_whole: int
    small_unit: int

    def __init__(self, fee: Decimal, unit: Exact) -> None:
        self.part, self.whole = (Fraction(fee) / unit).as_integer_ratio()
        self.unit = unit
        self.small_part = narrow(self.part)
        self.small_whole = narrow(self.whole)
        self.small_unit = narrow(self.unit)

    def of(self, amount: Exact) -> Exact:
        """Return the fee of an amount, both in units of money."""
        small = narrow(amount)
        if is_small_product(small, self.small_part) and is_small_product(self.small_whole, 1):
            count = small_half_up(small * self.small_part, self.small_whole)
            if is_small_product(count, self.small_unit):
                return count * self.small_unit
        return half_up(amount * self.part, self.whole) * self.unit
