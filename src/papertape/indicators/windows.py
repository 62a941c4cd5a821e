"""Sliding windows over the public prints of an instrument, the parts windowed indicators are made of.

A window `(t1, t2)` holds the prints with `now - t1 < ts <= now - t2`, all in microseconds, so that `(300, 0)` and
`(600, 300)` meet without overlap. It is a pair of counters `[lo, hi)` into the shared ring and slides with time:
`slide(now)` lets prints in that are old enough and out that are too old, each at its own time, so that what a window
holds never depends on how often it was slid. It must be slid after every print.

A ring keeps `limit` prints. When the oldest of a window was dropped, the window is incomplete until that print would
have left it anyway; `whole` is that time. A sum that could pass 2**62 forgets what it holds: the window is incomplete
until the newest of what it forgot would have left it, and `is_overflow` says so.
"""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.indicators.indicator import AFTER_ALL, BEFORE_ALL
from papertape.indicators.prints import TOO_LARGE, Prints
from papertape.model.buffers import Ints, ints

_NONE = Prints(0, 0)
_HALF = 1 << 61


class Span:
    """The prints of a window, counted."""

    __slots__ = ("following", "hi", "is_overflow", "lo", "prints", "t1", "t2", "whole")

    prints: Prints
    t1: int
    t2: int
    lo: int
    hi: int
    whole: int
    is_overflow: bool
    following: Span | None

    def __init__(self, t1: int, t2: int = 0) -> None:
        self.prints = _NONE
        self.t1 = t1
        self.t2 = t2
        self.lo = 0
        self.hi = 0
        self.whole = BEFORE_ALL
        self.is_overflow = False
        self.following = None

    def attach(self, prints: Prints) -> None:
        """Look at these prints, from the next one on."""
        self.prints = prints
        self.lo = prints.head
        self.hi = prints.head
        prints.keep(self.t1, 1)

    def slide(self, now: int) -> int:
        """Slide the window to end `t2` before `now`; return the time before which it holds the same if none comes."""
        prints = self.prints
        until = self._admit(now)
        while self.lo < self.hi and prints.ts[self.lo & prints.mask] <= now - self.t1:
            self.lo += 1
        if self.lo < prints.tail:
            self.whole = prints.ts[(prints.tail - 1) & prints.mask] + self.t1
            self.is_overflow = False
            self.lo = prints.tail
            if self.hi < self.lo:
                self.hi = self.lo
        if self.lo < self.hi and prints.ts[self.lo & prints.mask] + self.t1 < until:
            return prints.ts[self.lo & prints.mask] + self.t1
        return until

    def count(self) -> int:
        """Return how many prints it holds."""
        return self.hi - self.lo

    def first(self) -> int:
        """Return the oldest price; it must hold one."""
        return self.prints.units[self.lo & self.prints.mask]

    def last(self) -> int:
        """Return the newest price; it must hold one."""
        return self.prints.units[(self.hi - 1) & self.prints.mask]

    def _admit(self, now: int) -> int:
        prints = self.prints
        if self.t2 == 0:
            self.hi = prints.head
            return AFTER_ALL
        while self.hi < prints.head:
            if prints.ts[self.hi & prints.mask] > now - self.t2:
                return prints.ts[self.hi & prints.mask] + self.t2
            self.hi += 1
        return AFTER_ALL


class SumSpan(Span):
    """Exact sums over a window: `volume` of sizes, `net` of sizes bought less sold, `turnover` of price times size."""

    __slots__ = ("has_turnover", "net", "turnover", "volume")

    volume: int
    net: int
    turnover: int
    has_turnover: bool

    def __init__(self, t1: int, t2: int = 0, has_turnover: bool = False) -> None:
        Span.__init__(self, t1, t2)
        self.volume = 0
        self.net = 0
        self.turnover = 0
        self.has_turnover = has_turnover

    def slide(self, now: int) -> int:
        """Slide as every window."""
        prints = self.prints
        until = AFTER_ALL
        while self.hi < prints.head:
            entered = prints.ts[self.hi & prints.mask] + self.t2
            if entered > now:
                until = entered
                break
            if self.lo < self.hi and prints.ts[self.lo & prints.mask] <= entered - self.t1:
                self._leave(entered - self.t1)
            self._enter(entered)
        if self.lo < self.hi and prints.ts[self.lo & prints.mask] <= now - self.t1:
            self._leave(now - self.t1)
        if self.lo < prints.tail:
            self._lose()
        if self.lo < self.hi and prints.ts[self.lo & prints.mask] + self.t1 < until:
            return prints.ts[self.lo & prints.mask] + self.t1
        return until

    def _enter(self, entered: int) -> None:
        prints = self.prints
        at = self.hi & prints.mask
        lots = prints.lots[at]
        size = lots if lots >= 0 else -lots
        is_large = size > _HALF
        self.hi += 1
        if not is_large:
            self.volume += size
            self.net += lots
            is_large = self.volume >= TOO_LARGE
            if self.has_turnover and not is_large:
                # 2**61 leaves the rounding of the product in float64 its room.
                if float(prints.units[at]) * float(size) > 2305843009213693952.0:
                    is_large = True
                else:
                    self.turnover += prints.units[at] * size
                    is_large = self.turnover >= TOO_LARGE
        if is_large:
            self.lo = self.hi
            self.volume = 0
            self.net = 0
            self.turnover = 0
            self.whole = entered - self.t2 + self.t1
            self.is_overflow = True

    def _leave(self, edge: int) -> None:
        prints = self.prints
        while self.lo < self.hi and prints.ts[self.lo & prints.mask] <= edge:
            at = self.lo & prints.mask
            lots = prints.lots[at]
            size = lots if lots >= 0 else -lots
            self.volume -= size
            self.net -= lots
            if self.has_turnover:
                self.turnover -= prints.units[at] * size
            self.lo += 1

    def _lose(self) -> None:
        prints = self.prints
        self.whole = prints.ts[(prints.tail - 1) & prints.mask] + self.t1
        self.is_overflow = False
        self._leave(prints.ts[(prints.tail - 1) & prints.mask])
        if self.lo < prints.tail:
            self.lo = prints.tail
        if self.hi < self.lo:
            self.hi = self.lo


class ExtremeSpan(Span):
    """The lowest (`sign` 1) or highest (`sign` -1) price of a window.

    It keeps the counters of those prints only that can still be the extreme: from the extreme to the newest.
    """

    __slots__ = ("begin", "end", "places", "queue", "sign")

    sign: int
    queue: Ints
    places: int
    begin: int
    end: int

    def __init__(self, sign: int, t1: int, t2: int = 0) -> None:
        Span.__init__(self, t1, t2)
        self.sign = sign
        self.queue = ints(16)
        self.places = 15
        self.begin = 0
        self.end = 0

    def slide(self, now: int) -> int:
        """Slide as every window."""
        prints = self.prints
        until = AFTER_ALL
        while self.hi < prints.head:
            if prints.ts[self.hi & prints.mask] > now - self.t2:
                until = prints.ts[self.hi & prints.mask] + self.t2
                break
            self._enter()
        edge = now - self.t1
        while self.begin < self.end and prints.ts[self.queue[self.begin & self.places] & prints.mask] <= edge:
            self.begin += 1
        if self.hi < prints.tail or (self.begin < self.end and self.queue[self.begin & self.places] < prints.tail):
            self._lose()
        if self.begin == self.end:
            self.lo = self.hi
            return until
        self.lo = self.queue[self.begin & self.places]
        if prints.ts[self.lo & prints.mask] + self.t1 < until:
            return prints.ts[self.lo & prints.mask] + self.t1
        return until

    def _enter(self) -> None:
        prints = self.prints
        units = prints.units[self.hi & prints.mask] * self.sign
        end = self.end
        while self.begin < end and prints.units[self.queue[(end - 1) & self.places] & prints.mask] * self.sign >= units:
            end -= 1
        if end - self.begin > self.places:
            self._grow(end)
        self.queue[end & self.places] = self.hi
        self.end = end + 1
        self.hi += 1

    def _lose(self) -> None:
        prints = self.prints
        self.whole = prints.ts[(prints.tail - 1) & prints.mask] + self.t1
        if self.hi < prints.tail:
            self.hi = prints.tail
        while self.begin < self.end and self.queue[self.begin & self.places] < prints.tail:
            self.begin += 1

    def _grow(self, end: int) -> None:
        old, mask = self.places, 2 * self.places + 1
        queue = ints(mask + 1)
        for at in range(self.begin, end):
            queue[at & mask] = self.queue[at & old]
        self.queue = queue
        self.places = mask


class LatestSpan(Span):
    """The newest print of a window only: `units` and `when` are its price and time; the ring need not keep `t1`."""

    __slots__ = ("units", "when")

    units: int
    when: int

    def __init__(self, t1: int, t2: int = 0) -> None:
        Span.__init__(self, t1, t2)
        self.units = 0
        self.when = BEFORE_ALL

    def attach(self, prints: Prints) -> None:
        """Look at these prints, from the next one on."""
        self.prints = prints
        self.lo = prints.head
        self.hi = prints.head
        prints.keep(self.t2, 1)

    def slide(self, now: int) -> int:
        """Slide as every window."""
        prints = self.prints
        until = AFTER_ALL
        while self.hi < prints.head:
            at = self.hi & prints.mask
            if prints.ts[at] > now - self.t2:
                until = prints.ts[at] + self.t2
                break
            self.units = prints.units[at]
            self.when = prints.ts[at]
            self.hi += 1
        if self.hi < prints.tail:
            self.hi = prints.tail
            self.whole = prints.ts[prints.tail & prints.mask] + self.t2
        if self.when <= now - self.t1:
            self.lo = self.hi
            return until
        self.lo = self.hi - 1
        return min(self.when + self.t1, until)


class Trail(Span):
    """The prices that stood at several times `lags` microseconds back from now; `units` has them in that order."""

    __slots__ = ("lags", "next", "units")

    lags: Ints
    next: Ints
    units: Ints

    def __init__(self, lags: Ints) -> None:
        Span.__init__(self, lags[len(lags) - 1])
        self.lags = lags
        self.next = ints(len(lags))
        self.units = ints(len(lags))

    def attach(self, prints: Prints) -> None:
        """Look at these prints, from the next one on."""
        Span.attach(self, prints)
        for i in range(len(self.next)):
            self.next[i] = prints.head

    def slide(self, now: int) -> int:
        """Slide every point of the trail to its time; the lags rise, so the last one needs the most."""
        prints = self.prints
        until = AFTER_ALL
        for i in range(len(self.lags)):
            at = self.next[i]
            while at < prints.head and prints.ts[at & prints.mask] <= now - self.lags[i]:
                self.units[i] = prints.units[at & prints.mask]
                at += 1
            if at < prints.tail:
                at = prints.tail
                if prints.ts[at & prints.mask] + self.lags[i] > self.whole:
                    self.whole = prints.ts[at & prints.mask] + self.lags[i]
            self.next[i] = at
            if at < prints.head and prints.ts[at & prints.mask] + self.lags[i] < until:
                until = prints.ts[at & prints.mask] + self.lags[i]
        return until

    def sign(self, new: int, old: int) -> int:
        """Return 1 when the price at one point of the trail is above that at another, -1 when below, 0 when equal."""
        if self.units[new] > self.units[old]:
            return 1
        return -1 if self.units[new] < self.units[old] else 0
