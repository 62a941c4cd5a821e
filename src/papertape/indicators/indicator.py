"""What every indicator is: fed by pushes, read as an attribute, and never without a reason for having no value."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from math import nan

import msgspec

from papertape.indicators.bars import Bar
from papertape.indicators.prints import Prints
from papertape.indicators.run import Run

BEFORE_ALL = -(1 << 62)
"""A time before every event, in microseconds."""
AFTER_ALL = 1 << 62
"""A time after every event, in microseconds."""
NO_VALUE = "no value yet"
"""Why there is no value, where nothing better is known."""


class Warmup(msgspec.Struct, frozen=True):
    """How much has been observed of what is needed, in `unit`: "s", "bars", "trades" or "quotes"."""

    have: float
    need: float
    unit: str


class Indicator:
    """One computation over one instrument. Times are microseconds UTC, prices and sizes of the book float64.

    After every input `current` is the value as of `now`, NaN while there is none and never infinite; before `until` it
    stays right if nothing comes. Time never goes back: an event or a reading older than the newest of either is taken
    at the newest one's time. So read at times that events have reached, not ahead of them; then readings change
    nothing, however many there are. An indicator ignores every input until a subclass takes it.
    """

    __slots__ = ("current", "next_barred", "next_quoted", "next_timed", "next_traded", "now", "until")

    now: int
    current: float
    until: int
    next_traded: Indicator | None
    next_quoted: Indicator | None
    next_barred: Indicator | None
    next_timed: Indicator | None

    def __init__(self) -> None:
        self.now = BEFORE_ALL
        self.current = nan
        self.until = AFTER_ALL
        self.next_traded = None
        self.next_quoted = None
        self.next_barred = None
        self.next_timed = None

    def attach(self, prints: Prints) -> None:
        """Take note of where the instrument's prints are kept, and its scales; called once, before any input."""

    def on_trade(self, ts: int, price: float, lots: int) -> None:
        """Take one public print of `lots` size units, more than 0 when the aggressor bought, less when it sold."""

    def on_run(self, run: Run, place: int) -> None:
        """Take a run of nothing but trades, and write the value after each to `place` of its row."""
        for at in range(run.count):
            ts = run.times[at]
            self.on_trade(ts, run.prices[at], run.lots[at])
            value = self.value(ts)
            if value != value:
                run.words[at * run.width + place] = self.reason(ts) or NO_VALUE
            run.values[at * run.width + place] = value

    def can_note(self) -> bool:
        """Return whether `on_run` notes a number for a missing value, of which `noted` makes words, and no words."""
        return False

    def noted(self, number: float) -> str:  # noqa: ARG002 - of one that can note
        """Return why a value is missing, by the number noted for it."""
        return NO_VALUE

    def on_quote(self, ts: int, bid: float, bid_size: float, ask: float, ask_size: float) -> None:
        """Take the best bid and ask with their sizes."""

    def on_bar(self, bar: Bar) -> None:
        """Take a closed bar of the indicator's own interval."""

    def on_gap(self, ts: int) -> None:
        """Take note that market data is missing from here: what is known of the book is void until the next quote."""

    def on_time(self, ts: int) -> None:
        """Take note of the time; called only from `until` on."""
        if ts > self.now:
            self.now = ts

    def value(self, ts: int) -> float:
        """Return the finite value as of `ts`, or NaN when `reason` has the reason."""
        if ts >= self.until:
            self.on_time(ts)
        return self.current

    def warmup(self, ts: int) -> Warmup:  # noqa: ARG002 - a subclass says what it needs
        """Return how much has been observed as of `ts` of what is needed."""
        return Warmup(0.0 if self.current != self.current else 1.0, 1.0, "events")

    def reason(self, ts: int) -> str | None:
        """Return why there is no value as of `ts`, or None when there is one."""
        value = self.value(ts)
        if value == value:
            return None
        return self.missing(max(ts, self.now))

    def missing(self, ts: int) -> str:  # noqa: ARG002 - a subclass has better words
        """Return why `current` is NaN as of `ts`; asked only when it is."""
        return NO_VALUE


def warming_up(warmup: Warmup) -> str:
    """Return the words for a warm-up that is not complete, such as "warming up 42/60 s"."""
    have = int(warmup.have) if warmup.need >= 1 else warmup.have
    return f"warming up {have:g}/{warmup.need:g} {warmup.unit}"
