"""What every indicator answers, and the shell that keeps value and reason in step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

import msgspec

from papertape.indicators.bars import Bar

BEFORE_ALL = -(1 << 62)
"""A time before every event, in microseconds."""
AFTER_ALL = 1 << 62
"""A time after every event, in microseconds."""

_NOT_FINITE = "the result is not a finite number"


class Warmup(msgspec.Struct, frozen=True):
    """How much has been observed of what is needed, in `unit`: "s", "bars", "trades" or "quotes"."""

    have: float
    need: float
    unit: str


class Indicator(Protocol):
    """One computation over one instrument. Times are microseconds UTC, prices and sizes float64.

    Time never goes back: an event or a reading older than the newest of either is taken at the newest one's time. So
    read at times that events have reached, not ahead of them; then readings change nothing, however many there are.
    """

    def on_trade(self, ts: int, price: float, size: float, is_buy: bool) -> None:
        """Take one public print; `is_buy` when the aggressor bought."""

    def on_quote(self, ts: int, bid: float, bid_size: float, ask: float, ask_size: float) -> None:
        """Take the best bid and ask with their sizes."""

    def on_bar(self, bar: Bar) -> None:
        """Take a closed bar of the indicator's own interval."""

    def on_gap(self, ts: int) -> None:
        """Take note that market data is missing from here: what is known of the book is void until the next quote."""

    def value(self, ts: int) -> float | None:
        """Return the finite value as of `ts`, or None when `reason` has the reason."""

    def warmup(self, ts: int) -> Warmup:
        """Return how much has been observed as of `ts` of what is needed."""

    def reason(self, ts: int) -> str | None:
        """Return why there is no value as of `ts`, or None when there is one."""


class _Deaf:
    __slots__ = ()

    def on_trade(self, ts: int, price: float, size: float, is_buy: bool) -> None:
        """Ignore trades."""

    def on_quote(self, ts: int, bid: float, bid_size: float, ask: float, ask_size: float) -> None:
        """Ignore quotes."""

    def on_bar(self, bar: Bar) -> None:
        """Ignore bars."""

    def on_gap(self, ts: int) -> None:
        """Ignore gaps: what was observed of trades and bars stays observed."""


class Measure(_Deaf, ABC):
    """The shell of an indicator: ignores every input until a subclass takes it, and lets only finite values out.

    A value is computed again only when it may have changed: `_answer` sets `_until`, the time before which the answer
    stays a number or stays none if nothing comes, and whatever takes an input sets it back to `BEFORE_ALL`.
    """

    __slots__ = ("_now", "_until", "_value")

    def __init__(self) -> None:
        self._now = BEFORE_ALL
        self._until = BEFORE_ALL
        self._value: float | None = None

    def value(self, ts: int) -> float | None:
        """Return the finite value as of `ts`, or None when `reason` has the reason."""
        if ts < self._until:
            return self._value
        if ts < self._now:
            ts = self._now
        else:
            self._now = ts
        answer = self._answer(ts)
        # x - x is 0 for every finite x only; + 0.0 turns -0.0 into 0.0.
        self._value = answer + 0.0 if isinstance(answer, float) and answer - answer == 0.0 else None
        return self._value

    def reason(self, ts: int) -> str | None:
        """Return why there is no value as of `ts`, or None when there is one."""
        if ts < self._now:
            ts = self._now
        else:
            self._now = ts
        answer = self._answer(ts)
        # The words may change before the value does, and the value was not kept here.
        self._until = BEFORE_ALL
        if isinstance(answer, str):
            return answer
        return None if answer - answer == 0.0 else _NOT_FINITE

    @abstractmethod
    def warmup(self, ts: int) -> Warmup:
        """Return how much has been observed as of `ts` of what is needed."""

    @abstractmethod
    def _answer(self, now: int) -> float | str: ...


def warming_up(warmup: Warmup) -> str:
    """Return the words for a warm-up that is not complete, such as "warming up 42/60 s"."""
    have = int(warmup.have) if warmup.need >= 1 else warmup.have
    return f"warming up {have:g}/{warmup.need:g} {warmup.unit}"
