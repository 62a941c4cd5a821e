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
_NO_SUMS, _SIZES, _TURNOVER = 0, 1, 2


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
        ts: Ints = prints.ts
        mask, head, tail = prints.mask, prints.head, prints.tail
        lo, hi, until = self.lo, head, AFTER_ALL
        if self.t2 > 0:
            hi = self.hi
            while hi < head and ts[hi & mask] <= now - self.t2:
                hi += 1
            if hi < head:
                until = ts[hi & mask] + self.t2
        while lo < hi and ts[lo & mask] <= now - self.t1:
            lo += 1
        if lo < tail:
            self.whole = ts[(tail - 1) & mask] + self.t1
            self.is_overflow = False
            lo, hi = tail, max(hi, tail)
        self.lo = lo
        self.hi = hi
        return min(until, ts[lo & mask] + self.t1) if lo < hi else until

    def count(self) -> int:
        """Return how many prints it holds."""
        return self.hi - self.lo

    def first(self) -> int:
        """Return the oldest price; it must hold one."""
        return self.prints.units[self.lo & self.prints.mask]

    def last(self) -> int:
        """Return the newest price; it must hold one."""
        return self.prints.units[(self.hi - 1) & self.prints.mask]


class WeighedSpan(Span):
    """A window whose prints carry weights that come and go with them, exactly.

    The weights are sizes and what follows from them, summed here, or what a subclass takes note of by `weigh`.
    """

    __slots__ = ("net", "sums", "turnover", "volume")

    sums: int
    volume: int
    net: int
    turnover: int

    def __init__(self, sums: int, t1: int, t2: int) -> None:
        Span.__init__(self, t1, t2)
        self.sums = sums
        self.volume = 0
        self.net = 0
        self.turnover = 0

    def slide(self, now: int) -> int:
        """Slide as every window."""
        prints = self.prints
        ts: Ints = prints.ts
        mask, head = prints.mask, prints.head
        until = AFTER_ALL
        while self.hi < head:
            entered = ts[self.hi & mask] + self.t2
            if entered > now:
                until = entered
                break
            if self.lo < self.hi and ts[self.lo & mask] <= entered - self.t1:
                _leave(self, entered - self.t1, self.hi)
            if self.sums == _NO_SUMS:
                self.weigh(self.hi, 1)
                self.hi += 1
            else:
                _add(self, self.hi & mask)
        if self.lo < self.hi and ts[self.lo & mask] <= now - self.t1:
            _leave(self, now - self.t1, self.hi)
        if self.lo < prints.tail:
            dropped = ts[(prints.tail - 1) & mask]
            if dropped + self.t1 > self.whole:
                self.whole = dropped + self.t1
                self.is_overflow = False
            # What is summed leaves with all prints of the dropped one's instant, what is counted print by print.
            _leave(self, dropped, min(self.hi, prints.tail) if self.sums == _NO_SUMS else self.hi)
            self.lo = max(self.lo, prints.tail)
            self.hi = max(self.hi, self.lo)
        return min(until, ts[self.lo & mask] + self.t1) if self.lo < self.hi else until

    def weigh(self, counter: int, sign: int) -> None:
        """Take note that a print comes into the window (`sign` 1) or goes out (-1); called where nothing is summed."""
        raise NotImplementedError


def _add(span: WeighedSpan, at: int) -> None:
    prints = span.prints
    lots = prints.lots[at]
    size = lots if lots >= 0 else -lots
    span.hi += 1
    if size <= _HALF and span.volume + size < TOO_LARGE:
        span.volume += size
        span.net += lots
        if span.sums != _TURNOVER:
            return
        # 2**61 leaves the rounding of the product in float64 its room.
        if float(prints.units[at]) * float(size) <= 2305843009213693952.0:
            span.turnover += prints.units[at] * size
            if span.turnover < TOO_LARGE:
                return
    span.lo = span.hi
    span.volume = 0
    span.net = 0
    span.turnover = 0
    span.whole = prints.ts[at] + span.t1
    span.is_overflow = True


def _leave(span: WeighedSpan, edge: int, end: int) -> None:
    prints = span.prints
    ts: Ints = prints.ts
    mask = prints.mask
    while span.lo < end and ts[span.lo & mask] <= edge:
        if span.sums == _NO_SUMS:
            span.weigh(span.lo, -1)
        else:
            lots = prints.lots[span.lo & mask]
            size = lots if lots >= 0 else -lots
            span.volume -= size
            span.net -= lots
            if span.sums == _TURNOVER:
                span.turnover -= prints.units[span.lo & mask] * size
        span.lo += 1


class SumSpan(WeighedSpan):
    """Exact sums over a window: `volume` of sizes, `net` of sizes bought less sold, `turnover` of price times size."""

    __slots__ = ()

    def __init__(self, t1: int, t2: int = 0, has_turnover: bool = False) -> None:
        WeighedSpan.__init__(self, _TURNOVER if has_turnover else _SIZES, t1, t2)


class CountedSpan(WeighedSpan):
    """A window that tells a subclass of each print that comes in and goes out, by `weigh`, and sums nothing itself."""

    __slots__ = ()

    def __init__(self, t1: int, t2: int = 0) -> None:
        WeighedSpan.__init__(self, _NO_SUMS, t1, t2)

    def _newer(self, counter: int, sign: int) -> int:
        # A pair of neighbours counts while both are in the window: it comes with the newer and goes with the older.
        if sign > 0:
            return counter if counter > self.lo else -1
        return counter + 1 if counter + 1 < self.hi else -1


class ExtremeSpan(Span):
    """The lowest (`sign` 1) or highest (`sign` -1) price of a window.

    It keeps the counters and prices (times `sign`) of those prints only that can still be the extreme: from the extreme
    to the newest.
    """

    __slots__ = ("begin", "end", "heights", "places", "queue", "sign")

    sign: int
    queue: Ints
    heights: Ints
    places: int
    begin: int
    end: int

    def __init__(self, sign: int, t1: int, t2: int = 0) -> None:
        Span.__init__(self, t1, t2)
        self.sign = sign
        self.queue = ints(16)
        self.heights = ints(16)
        self.places = 15
        self.begin = 0
        self.end = 0

    def slide(self, now: int) -> int:
        """Slide as every window."""
        prints = self.prints
        ts: Ints = prints.ts
        mask, head, tail = prints.mask, prints.head, prints.tail
        until = AFTER_ALL
        while self.hi < head:
            entered = ts[self.hi & mask] + self.t2
            if entered > now:
                until = entered
                break
            _take_in(self, prints.units[self.hi & mask] * self.sign)
        queue: Ints = self.queue  # not before: taking in may make it larger
        places, begin, end = self.places, self.begin, self.end
        while begin < end and ts[queue[begin & places] & mask] <= now - self.t1:
            begin += 1
        if self.hi < tail or (begin < end and queue[begin & places] < tail):
            self.whole = ts[(tail - 1) & mask] + self.t1
            self.hi = max(self.hi, tail)
            while begin < end and queue[begin & places] < tail:
                begin += 1
        self.begin = begin
        if begin == end:
            self.lo = self.hi
            return until
        self.lo = queue[begin & places]
        return min(until, ts[self.lo & mask] + self.t1)

    def grow(self, end: int) -> None:
        """Make room for twice as many prices."""
        old, mask = self.places, 2 * self.places + 1
        queue, heights = ints(mask + 1), ints(mask + 1)
        for at in range(self.begin, end):
            queue[at & mask] = self.queue[at & old]
            heights[at & mask] = self.heights[at & old]
        self.queue, self.heights = queue, heights
        self.places = mask


def _take_in(span: ExtremeSpan, height: int) -> None:
    heights: Ints = span.heights
    places, begin, end = span.places, span.begin, span.end
    while begin < end and heights[(end - 1) & places] >= height:
        end -= 1
    if end - begin > places:
        span.grow(end)
    span.queue[end & span.places] = span.hi
    span.heights[end & span.places] = height
    span.end = end + 1
    span.hi += 1


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
        ts: Ints = prints.ts
        mask, head, tail = prints.mask, prints.head, prints.tail
        hi, until = self.hi, AFTER_ALL
        while hi < head and ts[hi & mask] <= now - self.t2:
            hi += 1
        if hi < head:
            until = ts[hi & mask] + self.t2
        if hi > self.hi:
            self.units = prints.units[(hi - 1) & mask]
            self.when = ts[(hi - 1) & mask]
        if hi < tail:
            hi = tail
            self.whole = ts[tail & mask] + self.t2
        self.hi = hi
        if self.when <= now - self.t1:
            self.lo = hi
            return until
        self.lo = hi - 1
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
        ts: Ints = prints.ts
        lags: Ints = self.lags
        next_: Ints = self.next
        mask, head, tail = prints.mask, prints.head, prints.tail
        until = AFTER_ALL
        for i in range(len(self.lags)):
            at, lag = next_[i], lags[i]
            while at < head and ts[at & mask] <= now - lag:
                self.units[i] = prints.units[at & mask]
                at += 1
            if at < tail:
                at = tail
                self.whole = max(self.whole, ts[at & mask] + lag)
            next_[i] = at
            if at < head:
                until = min(until, ts[at & mask] + lag)
        return until

    def sign(self, new: int, old: int) -> int:
        """Return 1 when the price at one point of the trail is above that at another, -1 when below, 0 when equal."""
        if self.units[new] > self.units[old]:
            return 1
        return -1 if self.units[new] < self.units[old] else 0
