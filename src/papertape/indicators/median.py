"""The median of the times between prints of a window, in O(log n) a print."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.indicators.windows import CountedSpan
from papertape.model.buffers import Ints, ints

_SMALLEST = 16


class MedianSpan(CountedSpan):
    """Two heaps of the gaps, the lower half and the upper half; each gap knows its place, so that any can leave.

    A gap is named by the counter of its newer print, its slot is that counter in a ring of the window's own. `place` is
    the place in the lower heap, or -1 - the place in the upper one.
    """

    __slots__ = ("gaps", "lower", "lowers", "places", "room", "upper", "uppers")

    gaps: Ints
    places: Ints
    lower: Ints
    upper: Ints
    lowers: int
    uppers: int
    room: int

    def __init__(self, t1: int, t2: int = 0) -> None:
        CountedSpan.__init__(self, t1, t2)
        self.gaps = ints(_SMALLEST)
        self.places = ints(_SMALLEST)
        self.lower = ints(_SMALLEST)
        self.upper = ints(_SMALLEST)
        self.lowers = 0
        self.uppers = 0
        self.room = _SMALLEST

    def number(self) -> int:
        """Return how many gaps there are."""
        return self.lowers + self.uppers

    def median(self) -> float:
        """Return the median gap in microseconds, of an even number the mean of the middle two; there must be one."""
        middle = float(self.gaps[self.lower[0] & (self.room - 1)])
        if self.lowers > self.uppers:
            return middle
        return (middle + float(self.gaps[self.upper[0] & (self.room - 1)])) / 2.0

    def weigh(self, counter: int, sign: int) -> None:
        """Take note that a print comes or goes."""
        newer = self._newer(counter, sign)
        if newer < 0:
            return
        if sign > 0:
            if self.hi - self.lo >= self.room:
                self._grow()
            prints = self.prints
            gap = prints.ts[newer & prints.mask] - prints.ts[(newer - 1) & prints.mask]
            self.gaps[newer & (self.room - 1)] = gap
            if self.lowers == 0 or gap <= self.gaps[self.lower[0] & (self.room - 1)]:
                self._push_lower(newer)
            else:
                self._push_upper(newer)
        else:
            self._remove(newer)
        if self.lowers > self.uppers + 1:
            moved = self.lower[0]
            self._remove(moved)
            self._push_upper(moved)
        elif self.uppers > self.lowers:
            moved = self.upper[0]
            self._remove(moved)
            self._push_lower(moved)

    def _push_lower(self, newer: int) -> None:
        self.lowers += 1
        self._settle_lower(self.lowers - 1, newer)

    def _push_upper(self, newer: int) -> None:
        self.uppers += 1
        self._settle_upper(self.uppers - 1, newer)

    def _remove(self, newer: int) -> None:
        place = self.places[newer & (self.room - 1)]
        if place >= 0:
            self.lowers -= 1
            if place < self.lowers:
                self._settle_lower(place, self.lower[self.lowers])
        else:
            self.uppers -= 1
            if -1 - place < self.uppers:
                self._settle_upper(-1 - place, self.upper[self.uppers])

    def _settle_lower(self, place: int, newer: int) -> None:
        # Put `newer` where it belongs, starting from a free place: the largest gap is at 0.
        mask = self.room - 1
        gap = self.gaps[newer & mask]
        while place > 0 and self.gaps[self.lower[(place - 1) >> 1] & mask] < gap:
            self._put_lower(place, self.lower[(place - 1) >> 1])
            place = (place - 1) >> 1
        while 2 * place + 1 < self.lowers:
            child = 2 * place + 1
            if (
                child + 1 < self.lowers
                and self.gaps[self.lower[child + 1] & mask] > self.gaps[self.lower[child] & mask]
            ):
                child += 1
            if self.gaps[self.lower[child] & mask] <= gap:
                break
            self._put_lower(place, self.lower[child])
            place = child
        self._put_lower(place, newer)

    def _settle_upper(self, place: int, newer: int) -> None:
        # The smallest gap is at 0.
        mask = self.room - 1
        gap = self.gaps[newer & mask]
        while place > 0 and self.gaps[self.upper[(place - 1) >> 1] & mask] > gap:
            self._put_upper(place, self.upper[(place - 1) >> 1])
            place = (place - 1) >> 1
        while 2 * place + 1 < self.uppers:
            child = 2 * place + 1
            if (
                child + 1 < self.uppers
                and self.gaps[self.upper[child + 1] & mask] < self.gaps[self.upper[child] & mask]
            ):
                child += 1
            if self.gaps[self.upper[child] & mask] >= gap:
                break
            self._put_upper(place, self.upper[child])
            place = child
        self._put_upper(place, newer)

    def _put_lower(self, place: int, newer: int) -> None:
        self.lower[place] = newer
        self.places[newer & (self.room - 1)] = place

    def _put_upper(self, place: int, newer: int) -> None:
        self.upper[place] = newer
        self.places[newer & (self.room - 1)] = -1 - place

    def _grow(self) -> None:
        room = 2 * self.room
        gaps, places, lower, upper = ints(room), ints(room), ints(room), ints(room)
        for place in range(self.lowers):
            newer = self.lower[place]
            lower[place] = newer
            places[newer & (room - 1)] = place
            gaps[newer & (room - 1)] = self.gaps[newer & (self.room - 1)]
        for place in range(self.uppers):
            newer = self.upper[place]
            upper[place] = newer
            places[newer & (room - 1)] = -1 - place
            gaps[newer & (room - 1)] = self.gaps[newer & (self.room - 1)]
        self.gaps, self.places, self.lower, self.upper = gaps, places, lower, upper
        self.room = room
