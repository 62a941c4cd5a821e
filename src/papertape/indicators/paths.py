"""The time integral of what stands until the next print, over a window; exact.

A price lasts until the next print or the window's end, and the price standing at the window's start lasts into it. The
integral is kept in three limbs of 21 bits of the weight, each times microseconds of a window of a day at most, so that
it never overflows.
"""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from math import nan

from papertape.indicators.indicator import AFTER_ALL, BEFORE_ALL
from papertape.indicators.windows import LatestSpan, Span, SumSpan

PRICE, SIZE, TURNOVER = 0, 1, 2
"""What is integrated: price, size, or price times size."""
_LIMB = (1 << 21) - 1


class PathSpan(Span):
    """Integral over a window `(t1, t2)` of price, size or price times size.

    `lo` is the newest print at or before the window's start, `hi - 1` the newest at or before its end; the limbs hold
    the prints between. Defined once a print is at or before the window's start. A product from 2**61 up counts as
    nothing, and the window is incomplete for as long as it would last into it.
    """

    __slots__ = ("high", "lost", "low", "middle", "spoiled", "what")

    what: int
    low: int
    middle: int
    high: int
    spoiled: int
    lost: int

    def __init__(self, what: int, t1: int, t2: int = 0) -> None:
        Span.__init__(self, t1, t2)
        self.what = what
        self.low = 0
        self.middle = 0
        self.high = 0
        self.spoiled = -1
        self.lost = BEFORE_ALL

    def slide(self, now: int) -> int:
        """Slide as every window; its integral moves with time, so what it returns is `now`."""
        prints = self.prints
        while self.hi < prints.head:
            entered = prints.ts[self.hi & prints.mask]
            if entered > now - self.t2:
                break
            self._leave(entered + self.t2 - self.t1)
            if self.hi - 1 > self.lo:
                self._add(self.hi - 1, entered - prints.ts[(self.hi - 1) & prints.mask])
            if self.what == TURNOVER:
                self._weight(self.hi)  # says so at once when it is too large
            self.hi += 1
        self._leave(now - self.t1)
        if self.lo < prints.tail:
            self._lose()
        self.is_overflow = self.spoiled >= self.lo
        self.whole = AFTER_ALL if self.is_overflow else self.lost
        return now

    def area(self, now: int) -> float:
        """Return the integral, in units of what is integrated times microseconds, over the window slid to `now`."""
        prints = self.prints
        start, end, newest = now - self.t1, now - self.t2, self.hi - 1
        low, middle, high = self.low, self.middle, self.high
        weight = self._weight(self.lo)
        lasted = (end if newest == self.lo else prints.ts[(self.lo + 1) & prints.mask]) - start
        low += (weight & _LIMB) * lasted
        middle += ((weight >> 21) & _LIMB) * lasted
        high += (weight >> 42) * lasted
        if newest > self.lo:
            weight = self._weight(newest)
            lasted = end - prints.ts[newest & prints.mask]
            low += (weight & _LIMB) * lasted
            middle += ((weight >> 21) & _LIMB) * lasted
            high += (weight >> 42) * lasted
        return (float(high) * 2097152.0 + float(middle)) * 2097152.0 + float(low)

    def average(self, now: int) -> float:
        """Return integral over duration of the window slid to `now`, in units of what is integrated."""
        return self.area(now) / float(self.t1 - self.t2)

    def _leave(self, edge: int) -> None:
        prints = self.prints
        while self.lo + 1 < self.hi and prints.ts[(self.lo + 1) & prints.mask] <= edge:
            self._forget()

    def _forget(self) -> None:
        # The print after the oldest stands at the window's start now, and is no longer between.
        prints = self.prints
        self.lo += 1
        if self.lo + 1 < self.hi:
            lasted = prints.ts[(self.lo + 1) & prints.mask] - prints.ts[self.lo & prints.mask]
            self._add(self.lo, -lasted)

    def _add(self, counter: int, lasted: int) -> None:
        weight = self._weight(counter)
        self.low += (weight & _LIMB) * lasted
        self.middle += ((weight >> 21) & _LIMB) * lasted
        self.high += (weight >> 42) * lasted

    def _weight(self, counter: int) -> int:
        prints = self.prints
        at = counter & prints.mask
        if self.what == PRICE:
            return prints.units[at]
        lots = prints.lots[at]
        size = lots if lots >= 0 else -lots
        if self.what == SIZE:
            return size
        if float(prints.units[at]) * float(size) > 2305843009213693952.0:
            if counter > self.spoiled:
                self.spoiled = counter
            return 0
        return prints.units[at] * size

    def _lose(self) -> None:
        prints = self.prints
        while self.lo < prints.tail:
            if self.lo + 1 < self.hi:
                self._forget()
            else:
                self.lo += 1
                if self.hi < self.lo:
                    self.hi = self.lo
        self.lost = prints.ts[prints.tail & prints.mask] + self.t1


LAST_PRICE, TIME_WEIGHTED, VOLUME_WEIGHTED = 0, 1, 2
"""Which price a window is represented by: the one standing at its end, or an average."""
_FOR_EVER = 1 << 61


class WindowPrice:
    """The price that represents a window; `span` is what has to be slid."""

    __slots__ = ("latest", "path", "span", "sums", "which")

    which: int
    latest: LatestSpan
    path: PathSpan
    sums: SumSpan
    span: Span

    def __init__(self, which: int, t1: int, t2: int) -> None:
        self.which = which
        self.latest = LatestSpan(_FOR_EVER, t2)
        self.path = PathSpan(PRICE, t1, t2)
        self.sums = SumSpan(t1, t2, True)
        self.span = self.latest if which == LAST_PRICE else self.path if which == TIME_WEIGHTED else self.sums

    def price(self, now: int) -> float:
        """Return the price of the window slid to `now`, in integer price units, NaN when it has none."""
        if self.which == LAST_PRICE:
            return float(self.latest.units)
        if self.which == TIME_WEIGHTED:
            return self.path.average(now)
        return float(self.sums.turnover) / float(self.sums.volume) if self.sums.volume > 0 else nan
