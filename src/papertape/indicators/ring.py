"""Fixed-length histories of numbers: the newest n, their sums and moments, and their extremes.

A running sum must not drift. What is rounded away when a number comes or goes is kept beside the sum (Knuth's two-sum),
squares and weighted terms are added with their rounding error (Dekker's product), and every `capacity` pushes the sum
is made again from the numbers kept, so that no error outlives the numbers it comes from. A sum is off by less than
2**-96 of the greatest sum of magnitudes held since it was last made; a history of one repeated number is answered from
that number, exactly. Magnitudes up to 1e140 are squared without overflow.
"""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from math import nan

from papertape.model.buffers import Floats, Ints, floats, ints

SPLIT = 134217729.0


class FloatRing:
    """The newest `capacity` numbers; `count` of them have come so far."""

    __slots__ = ("capacity", "count", "position", "values")

    capacity: int
    count: int
    position: int
    values: Floats

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.count = 0
        self.position = 0
        self.values = floats(capacity)

    def push(self, x: float) -> float:
        """Keep a number; return the one it displaces, 0.0 while there is room."""
        at = self.position
        gone = 0.0
        if self.count == self.capacity:
            gone = self.values[at]
        else:
            self.count += 1
        self.values[at] = x
        at += 1
        self.position = 0 if at == self.capacity else at
        return gone

    def at(self, back: int) -> float:
        """Return the number pushed `back` pushes before the newest, `0 <= back < count`."""
        index = self.position - 1 - back
        if index < 0:
            index += self.capacity
        return self.values[index]


class LongSum:
    """A sum in two parts, of twice the precision: `high` and what was rounded away from it, `low`."""

    __slots__ = ("high", "low")

    high: float
    low: float

    def __init__(self) -> None:
        self.high = 0.0
        self.low = 0.0

    def clear(self) -> None:
        """Begin at 0."""
        self.high = 0.0
        self.low = 0.0

    def add(self, x: float) -> None:
        """Add a number (Knuth's two-sum)."""
        total = self.high + x
        part = total - self.high
        self.low += (self.high - (total - part)) + (x - part)
        self.high = total

    def add_product(self, x: float, y: float) -> None:
        """Add x * y without rounding the product (Dekker's product)."""
        product = x * y
        shifted = SPLIT * x
        x_high = shifted - (shifted - x)
        x_low = x - x_high
        shifted = SPLIT * y
        y_high = shifted - (shifted - y)
        y_low = y - y_high
        self.add(product)
        self.low += ((x_high * y_high - product) + x_high * y_low + x_low * y_high) + x_low * y_low

    def value(self) -> float:
        """Return the sum, rounded once."""
        return self.high + self.low


class RunningSum:
    """The sum of the newest `capacity` numbers; `run` is how many of the newest in a row are equal."""

    __slots__ = ("ring", "run", "total")

    ring: FloatRing
    run: int
    total: LongSum

    def __init__(self, capacity: int) -> None:
        self.ring = FloatRing(capacity)
        self.run = 0
        self.total = LongSum()

    def push(self, x: float) -> None:
        """Take a number."""
        ring = self.ring
        if ring.count > 0 and x == ring.at(0):
            self.run += 1
        else:
            self.run = 1
        gone = ring.push(x)
        if ring.position == 0:
            self.resum()
        else:
            self.replace(x, gone)

    def replace(self, x: float, gone: float) -> None:
        """Take note that `x` came and `gone` went."""
        self.total.add(x)
        self.total.add(-gone)

    def resum(self) -> None:
        """Make the sum again from the numbers kept, oldest first."""
        total = self.total
        total.clear()
        for back in range(self.ring.count - 1, -1, -1):
            total.add(self.ring.at(back))

    def is_flat(self) -> bool:
        """Return whether all numbers held are equal; true of none."""
        return self.run >= self.ring.count

    def value(self) -> float:
        """Return the sum of the numbers held."""
        count = self.ring.count
        if count > 0 and self.run >= count:
            return self.ring.at(0) * float(count)
        return self.total.value()

    def mean(self) -> float:
        """Return the mean of the numbers held, of which there must be one."""
        if self.run >= self.ring.count:
            return self.ring.at(0)
        return self.total.value() / float(self.ring.count)


class Moments(RunningSum):
    """Mean and variance of the newest `capacity` numbers, whatever their distance from 0."""

    __slots__ = ("_work", "squares")

    squares: LongSum
    _work: LongSum

    def __init__(self, capacity: int) -> None:
        RunningSum.__init__(self, capacity)
        self.squares = LongSum()
        self._work = LongSum()

    def replace(self, x: float, gone: float) -> None:
        """Take note that `x` came and `gone` went."""
        RunningSum.replace(self, x, gone)
        self.squares.add_product(x, x)
        self.squares.add_product(-gone, gone)

    def resum(self) -> None:
        """Make the sums again from the numbers kept, oldest first."""
        RunningSum.resum(self)
        squares = self.squares
        squares.clear()
        for back in range(self.ring.count - 1, -1, -1):
            x = self.ring.at(back)
            squares.add_product(x, x)

    def variance(self) -> float:
        """Return the population variance of the numbers held, of which there must be one; never negative."""
        if self.run >= self.ring.count:
            return 0.0
        count = float(self.ring.count)
        total = self.total
        work = self._work
        work.clear()
        work.add_product(count, self.squares.high)
        work.add_product(-total.high, total.high)
        work.add_product(count, self.squares.low)
        work.add_product(-2.0 * total.high, total.low)
        work.add(-total.low * total.low)
        # A NaN stays one: it must not pass for no variance.
        spread = work.value()
        return 0.0 if spread < 0.0 else spread / (count * count)


class WeightedSum(RunningSum):
    """The newest `capacity` numbers weighted 1, 2, 3 … from the oldest to the newest, and the line through them."""

    __slots__ = ("_work", "weighted")

    weighted: LongSum
    _work: LongSum

    def __init__(self, capacity: int) -> None:
        RunningSum.__init__(self, capacity)
        self.weighted = LongSum()
        self._work = LongSum()

    def replace(self, x: float, gone: float) -> None:
        """Take note that `x` came and `gone` went; a number gone takes one from the weight of each that stays."""
        ring = self.ring
        weighted = self.weighted
        if ring.count == ring.capacity:
            weighted.add(-self.total.high)
            weighted.add(-self.total.low)
        weighted.add_product(float(ring.count), x)
        RunningSum.replace(self, x, gone)

    def resum(self) -> None:
        """Make the sums again from the numbers kept, oldest first."""
        RunningSum.resum(self)
        weighted = self.weighted
        weighted.clear()
        count = self.ring.count
        for back in range(count - 1, -1, -1):
            weighted.add_product(float(count - back), self.ring.at(back))

    def weighted_mean(self) -> float:
        """Return the mean weighted 1 to n, of at least one number."""
        if self.run >= self.ring.count:
            return self.ring.at(0)
        count = float(self.ring.count)
        return self.weighted.value() / (count * (count + 1.0) / 2.0)

    def slope(self) -> float:
        """Return the rise per step of the least-squares line through the numbers held, at least two."""
        if self.run >= self.ring.count:
            return 0.0
        count = float(self.ring.count)
        middle = (count + 1.0) / 2.0
        work = self._work
        work.clear()
        work.add(self.weighted.high)
        work.add_product(-middle, self.total.high)
        work.add(self.weighted.low)
        work.add_product(-middle, self.total.low)
        return work.value() / (count * (count * count - 1.0) / 12.0)


class RollingMax:
    """The greatest of the newest `span` numbers: only falls are kept, from the greatest to the newest."""

    __slots__ = ("_at", "_head", "_kept", "_values", "count", "span")

    span: int
    count: int
    _values: Floats
    _at: Ints
    _head: int
    _kept: int

    def __init__(self, span: int) -> None:
        self.span = span
        self.count = 0
        self._values = floats(span)
        self._at = ints(span)
        self._head = 0
        self._kept = 0

    def add(self, number: float) -> float:
        """Return the greatest with `number`, NaN for the first `span` - 1."""
        self.keep(number)
        return self._values[self._head] if self.count >= self.span else nan

    def keep(self, number: float) -> None:
        """Take a number."""
        span = self.span
        self.count += 1
        if self._kept > 0 and self._at[self._head] <= self.count - span:
            self._head = self._head + 1 if self._head + 1 < span else 0
            self._kept -= 1
        end = self._head + self._kept
        if end >= span:
            end -= span
        while self._kept > 0:
            last = end - 1 if end > 0 else span - 1
            if self._values[last] > number:
                break
            end = last
            self._kept -= 1
        self._values[end] = number
        self._at[end] = self.count
        self._kept += 1

    def age(self) -> int:
        """Return how many numbers ago the greatest came, the newest of equals; 0 for the newest number."""
        return self.count - self._at[self._head]


class RollingMin(RollingMax):
    """The smallest of the newest `span` numbers."""

    __slots__ = ()

    def add(self, number: float) -> float:
        """Return the smallest with `number`, NaN for the first `span` - 1."""
        self.keep(-number)
        return -self._values[self._head] if self.count >= self.span else nan
