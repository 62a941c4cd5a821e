"""Consecutive events of one instrument in columns, and what each indicator's value is after each of them."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.model.buffers import Floats, Ints, floats, ints

_SMALLEST = 64


class Run:
    """Events in order of time: microseconds UTC; of a trade its price and lots (less than 0 when the aggressor sold).

    Who adds one writes its row, 0 for the units and lots of one that is no trade, and counts it.

    `values` has one row of `width` values an event, NaN where there is none; `words` says why by the place in `values`,
    or the indicator makes words of the number at that place in `notes`.
    """

    __slots__ = ("count", "lots", "notes", "prices", "room", "times", "units", "values", "width", "words")

    count: int
    room: int
    width: int
    times: Ints
    units: Ints
    lots: Ints
    prices: Floats
    values: Floats
    notes: Floats
    words: dict[int, str]

    def __init__(self, width: int) -> None:
        self.width = width
        self.count = 0
        self.room = _SMALLEST
        self.times = ints(_SMALLEST)
        self.units = ints(_SMALLEST)
        self.lots = ints(_SMALLEST)
        self.prices = floats(_SMALLEST)
        self.values = floats(_SMALLEST * width)
        self.notes = floats(_SMALLEST * width)
        self.words = {}

    def clear(self) -> None:
        """Forget every event."""
        self.count = 0
        if self.words:
            self.words = {}

    def grow(self) -> None:
        """Make room for twice as many events."""
        old, room = self.room, 2 * self.room
        times, units, lots = ints(room), ints(room), ints(room)
        for at in range(old):
            times[at] = self.times[at]
            units[at] = self.units[at]
            lots[at] = self.lots[at]
        self.times, self.units, self.lots = times, units, lots
        self.prices = floats(room)
        self.values = floats(room * self.width)
        self.notes = floats(room * self.width)
        self.room = room
