"""The shells of windowed, quote and bar indicators: time, warm-up and the words for what is missing."""

from __future__ import annotations

from abc import ABC, abstractmethod

from papertape.indicators.bars import Bar
from papertape.indicators.indicator import AFTER_ALL, BEFORE_ALL, Warmup, warming_up
from papertape.indicators.windows import Window

SECOND = 1_000_000
_NOT_FINITE = "the result is not a finite number"


def micros(seconds: float) -> int:
    """Return seconds as whole microseconds, rounded."""
    return round(seconds * SECOND)


def percent_change(new: float, old: float) -> float | str:
    """Return `(new - old) / old` in percent, or the reason why it has none."""
    if old <= 0.0:
        return "the reference price is zero"
    return (new - old) / old * 100.0


def window_words(window: Window) -> str:
    """Return "in the last 60 s" or "from 600 to 300 s ago"."""
    if window.t2 == 0:
        return f"in the last {window.t1 / SECOND:g} s"
    return f"from {window.t1 / SECOND:g} to {window.t2 / SECOND:g} s ago"


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


class TradeMeasure(Measure):
    """Trades through windows: warm once the longest window lies wholly after the first trade seen."""

    __slots__ = ("_first", "_need", "_prices", "_sizes", "_windows")

    def __init__(self, *, prices: tuple[Window, ...] = (), sizes: tuple[Window, ...] = ()) -> None:
        super().__init__()
        self._prices = prices
        self._sizes = sizes
        self._windows = prices + sizes
        self._first: int | None = None
        self._need = max(window.t1 for window in self._windows)

    def on_trade(self, ts: int, price: float, size: float, is_buy: bool) -> None:
        """Take one public print."""
        if ts < self._now:
            ts = self._now
        else:
            self._now = ts
        if self._first is None:
            self._first = ts
        self._until = BEFORE_ALL
        self._take(ts, price, size, is_buy)

    def warmup(self, ts: int) -> Warmup:
        """Return the seconds since the first trade, of the longest window's."""
        now = max(ts, self._now)
        have = 0 if self._first is None else min(now - self._first, self._need)
        return Warmup(have / SECOND, self._need / SECOND, "s")

    def _answer(self, now: int) -> float | str:
        first = self._first
        if first is None:
            return "no trades yet"
        if now - first < self._need:
            self._until = first + self._need
            return warming_up(self.warmup(now))
        until = AFTER_ALL
        for window in self._windows:
            window_until = window.settle(now)
            if window_until < until:
                until = window_until
            if window.lost_ts > now - window.t1:
                return f"more than {window.capacity} trades {window_words(window)}"
        self._until = until
        return self._result()

    def _take(self, ts: int, price: float, size: float, is_buy: bool) -> None:  # noqa: ARG002 - a side counts to few
        for window in self._prices:
            window.add(ts, price)
        for window in self._sizes:
            window.add(ts, size)

    @abstractmethod
    def _result(self) -> float | str: ...


class QuoteMeasure(Measure):
    """The newest quote; void after a gap until the next one."""

    __slots__ = ("_ask", "_ask_size", "_bid", "_bid_size", "_has_gap", "_has_quote")

    def __init__(self) -> None:
        super().__init__()
        self._bid = self._bid_size = self._ask = self._ask_size = 0.0
        self._has_quote = False
        self._has_gap = False

    def on_quote(self, ts: int, bid: float, bid_size: float, ask: float, ask_size: float) -> None:
        """Take the best bid and ask with their sizes."""
        if ts > self._now:
            self._now = ts
        self._bid = bid
        self._bid_size = bid_size
        self._ask = ask
        self._ask_size = ask_size
        self._has_quote = True
        self._until = BEFORE_ALL

    def on_gap(self, ts: int) -> None:
        """Forget the quote: the book is void."""
        if ts > self._now:
            self._now = ts
        self._has_gap = True
        self._has_quote = False
        self._until = BEFORE_ALL

    def warmup(self, ts: int) -> Warmup:  # noqa: ARG002 - the quote's age is judged by the caller, by receive time
        """Return whether there is a quote."""
        return Warmup(1.0 if self._has_quote else 0.0, 1.0, "quotes")

    def _answer(self, now: int) -> float | str:  # noqa: ARG002 - a quote holds until the next one
        self._until = AFTER_ALL
        if not self._has_quote:
            return "no quotes since the gap" if self._has_gap else "no quotes yet"
        if self._bid <= 0.0 or self._bid_size <= 0.0:
            return "the book has no bid"
        if self._ask <= 0.0 or self._ask_size <= 0.0:
            return "the book has no ask"
        return self._result()

    @abstractmethod
    def _result(self) -> float | str: ...
