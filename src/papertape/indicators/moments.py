"""Windows whose prints carry weights that come and go with them, exactly."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from math import log, sqrt

from papertape.indicators.windows import CountedSpan

_LIMB = (1 << 21) - 1
_LARGEST = 1 << 42


class MomentSpan(CountedSpan):
    """Number, sum and sum of squares of sizes, or of the microseconds between one print and the next; exact.

    A number from 2**42 up counts as nothing, and the window is incomplete until its print has left.
    """

    __slots__ = ("cross", "high", "is_of_gaps", "low", "number", "total")

    is_of_gaps: bool
    number: int
    total: int
    low: int
    cross: int
    high: int

    def __init__(self, is_of_gaps: bool, t1: int, t2: int = 0) -> None:
        CountedSpan.__init__(self, t1, t2)
        self.is_of_gaps = is_of_gaps
        self.number = 0
        self.total = 0
        self.low = 0
        self.cross = 0
        self.high = 0

    def mean(self) -> float:
        """Return the mean; there must be a number."""
        return float(self.total) / float(self.number)

    def deviation(self) -> float:
        """Return the population standard deviation; there must be a number.

        Exact up to the last division while number * sum of squares is below 2**62; beyond, the difference of the two
        products is taken in float64.
        """
        number, total = self.number, self.total
        squares = (float(self.high) * 2097152.0 + 2.0 * float(self.cross)) * 2097152.0 + float(self.low)
        if squares * float(number) < 2305843009213693952.0:
            exact = (self.high << 42) + (self.cross << 22) + self.low
            variance = float(number * exact - total * total)
        else:
            variance = float(number) * squares - float(total) * float(total)
        return sqrt(variance) / float(number) if variance > 0.0 else 0.0

    def weigh(self, counter: int, sign: int) -> None:
        """Take note that a print comes or goes."""
        prints = self.prints
        if self.is_of_gaps:
            newer = self._newer(counter, sign)
            if newer < 0:
                return
            x = prints.ts[newer & prints.mask] - prints.ts[(newer - 1) & prints.mask]
        else:
            x = prints.lots[counter & prints.mask]
            if x < 0:
                x = -x
        if x >= _LARGEST:
            if sign > 0:
                self.whole = prints.ts[counter & prints.mask] + self.t1
                self.is_overflow = True
            return
        high, low = x >> 21, x & _LIMB
        self.number += sign
        self.total += sign * x
        self.low += sign * low * low
        self.cross += sign * high * low
        self.high += sign * high * high


class RunSpan(CountedSpan):
    """Counts how often time or side changes from one print of a window to the next."""

    __slots__ = ("changes",)

    changes: int

    def __init__(self, t1: int, t2: int = 0) -> None:
        CountedSpan.__init__(self, t1, t2)
        self.changes = 0

    def runs(self) -> int:
        """Return how many runs of prints of one instant and side the window holds."""
        return self.changes + 1 if self.lo < self.hi else 0

    def weigh(self, counter: int, sign: int) -> None:
        """Take note that a print comes or goes."""
        newer = self._newer(counter, sign)
        if newer < 0:
            return
        prints = self.prints
        at, before = newer & prints.mask, (newer - 1) & prints.mask
        if prints.ts[at] != prints.ts[before] or (prints.lots[at] > 0) != (prints.lots[before] > 0):
            self.changes += sign


class ReturnSpan(CountedSpan):
    """The sum of squared logarithmic returns from print to print; integers of 2**-84, so that it does not drift.

    A return from or to a price of zero is none; after one by a factor of e or more the window is incomplete until that
    print has left.
    """

    __slots__ = ("high", "low")

    high: int
    low: int

    def __init__(self, t1: int, t2: int = 0) -> None:
        CountedSpan.__init__(self, t1, t2)
        self.high = 0
        self.low = 0

    def squares(self) -> float:
        """Return the sum of squared returns."""
        return (float(self.high) + float(self.low) / 4398046511104.0) / 4398046511104.0

    def weigh(self, counter: int, sign: int) -> None:
        """Take note that a print comes or goes."""
        newer = self._newer(counter, sign)
        if newer < 0:
            return
        prints = self.prints
        new, old = prints.units[newer & prints.mask], prints.units[(newer - 1) & prints.mask]
        if new == old or new <= 0 or old <= 0:
            return
        change: float = log(float(new) / float(old))
        square = change * change
        if square >= 1.0:
            if sign > 0:
                self.whole = prints.ts[counter & prints.mask] + self.t1
                self.is_overflow = True
            return
        scaled = square * 4398046511104.0
        whole: int = int(scaled)
        rest: int = int((scaled - float(whole)) * 4398046511104.0)
        self.high += sign * whole
        self.low += sign * rest
