"""The public prints of one instrument, kept once for all windows over them, and its newest quote.

A print has a counter that only grows; a window is a pair of counters. The ring grows while some window still looks back
at its oldest print, up to `limit`; then the oldest is dropped, and the windows it was in say so (see `windows`). A
dropped print stays readable until the next one comes, so that every window can take it off its sums first.
"""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.model.buffers import Ints, ints

LIMIT = (1 << 20) - 1
"""The most prints an instrument keeps."""
TOO_LARGE = 1 << 62
"""No sum of integers reaches this; what would is not summed."""
_SMALLEST = 64


class Prints:
    """A ring of public prints: time, integer price, and signed integer size, more than 0 when the aggressor bought.

    `head` is the counter of the next print, `tail` that of the oldest one kept; a print is at its counter `& mask`.
    """

    __slots__ = (
        "ask",
        "ask_lots",
        "bid",
        "bid_lots",
        "head",
        "horizon",
        "is_read",
        "limit",
        "lots",
        "mask",
        "price_scale",
        "size_scale",
        "tail",
        "ts",
        "units",
        "wanted",
    )

    ts: Ints
    units: Ints
    lots: Ints
    mask: int
    head: int
    tail: int
    limit: int
    horizon: int
    is_read: bool
    wanted: int
    price_scale: float
    size_scale: float
    bid: int
    bid_lots: int
    ask: int
    ask_lots: int

    def __init__(self, price_decimals: int, size_decimals: int, limit: int = LIMIT) -> None:
        self.ts = ints(_SMALLEST)
        self.units = ints(_SMALLEST)
        self.lots = ints(_SMALLEST)
        self.mask = _SMALLEST - 1
        self.head = 0
        self.tail = 0
        self.limit = limit
        self.horizon = 0
        self.is_read = False
        self.wanted = 1
        self.price_scale = float("1e" + str(price_decimals))
        self.size_scale = float("1e" + str(size_decimals))
        self.bid = 0
        self.bid_lots = 0
        self.ask = 0
        self.ask_lots = 0

    def keep(self, horizon: int, wanted: int) -> None:
        """Keep from now on the prints of the last `horizon` microseconds, the one before them, and `wanted` prints."""
        self.is_read = True
        if horizon > self.horizon:
            self.horizon = horizon
        if wanted > self.wanted:
            self.wanted = wanted

    def add(self, ts: int, units: int, lots: int) -> None:
        """Take a print; `ts` must not be older than the newest one's."""
        at = self.head & self.mask
        self.ts[at] = ts
        self.units[at] = units
        self.lots[at] = lots
        self.head += 1
        if self.head - self.tail > self.mask or self.head - self.tail > self.limit:
            self._make_room(ts)

    def _make_room(self, now: int) -> None:
        # One place is always free, so what is dropped here can be read until the next print is written.
        edge = now - self.horizon
        while self.head - self.tail > self.wanted and self.ts[(self.tail + 1) & self.mask] <= edge:
            self.tail += 1
        if self.head - self.tail > self.limit:
            self.tail = self.head - self.limit
        if self.head - self.tail > self.mask:
            self._grow()

    def _grow(self) -> None:
        old, mask = self.mask, 2 * self.mask + 1
        ts, units, lots = ints(mask + 1), ints(mask + 1), ints(mask + 1)
        old_ts: Ints = self.ts
        old_units: Ints = self.units
        old_lots: Ints = self.lots
        for counter in range(self.tail, self.head):
            ts[counter & mask] = old_ts[counter & old]
            units[counter & mask] = old_units[counter & old]
            lots[counter & mask] = old_lots[counter & old]
        self.ts, self.units, self.lots = ts, units, lots
        self.mask = mask
