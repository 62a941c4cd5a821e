"""The shells of indicators over trades and quotes: time, warm-up and the words for what is missing."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from math import nan

from papertape.indicators.indicator import AFTER_ALL, BEFORE_ALL, Indicator, Warmup, warming_up
from papertape.indicators.paths import PRICE, PathSpan
from papertape.indicators.prints import Prints
from papertape.indicators.windows import Span

SECOND = 1_000_000
NOT_FINITE = "the result is not a finite number"
ZERO_PRICE = "the reference price is zero"
_NO_PRINTS = Prints(0, 0)


def micros(seconds: float) -> int:
    """Return seconds as whole microseconds, rounded."""
    return round(seconds * SECOND)


def percent_change(new: float, old: float) -> float:
    """Return `(new - old) / old` in percent, NaN when `old` is zero."""
    if old <= 0.0:
        return nan
    return (new - old) / old * 100.0


def window_words(window: Span) -> str:
    """Return "in the last 60 s" or "from 600 to 300 s ago"."""
    if window.t2 == 0:
        return f"in the last {window.t1 / 1e6:g} s"
    return f"from {window.t1 / 1e6:g} to {window.t2 / 1e6:g} s ago"


def no_trades(window: Span) -> str:
    """Return that a window holds no trades, in words."""
    return f"no trades {window_words(window)}"


class TradeMeasure(Indicator):
    """Trades through windows: warm once the longest window lies wholly after the first trade seen.

    A subclass gives its windows to `watch` and computes `_result` from them, any number, finite or not; `_why` says
    what a result that is none is missing.
    """

    __slots__ = ("first", "need", "prints", "spans")

    need: int
    first: int
    prints: Prints
    spans: Span | None

    def __init__(self, need: int) -> None:
        Indicator.__init__(self)
        self.need = need
        self.first = AFTER_ALL
        self.prints = _NO_PRINTS
        self.spans = None

    def watch(self, span: Span) -> None:
        """Slide this window at every trade, and take note of what it lost."""
        span.following = self.spans
        self.spans = span

    def attach(self, prints: Prints) -> None:
        """Look at the prints of the instrument, from the next one on."""
        self.prints = prints
        span = self.spans
        while span is not None:
            span.attach(prints)
            span = span.following

    def on_trade(self, ts: int, price: float, lots: int) -> None:  # noqa: ARG002 - windows look at the integers
        """Take the newest public print of those attached: slide every window and compute again."""
        if self.first == AFTER_ALL:
            self.first = ts
        if ts > self.now:
            self.now = ts
        now = self.now
        until = AFTER_ALL
        whole = self.first + self.need
        span = self.spans
        while span is not None:
            changes = span.slide(now)
            if changes < until:
                until = changes
            if span.whole > whole:
                whole = span.whole
            span = span.following
        if now >= whole:
            result = self._result()
            # x - x is 0 for every finite x only; + 0.0 turns -0.0 into 0.0.
            self.current = result + 0.0 if result - result == 0.0 else nan
        else:
            self.current = nan
            if whole < AFTER_ALL:
                until = whole
        self.until = until

    def on_time(self, ts: int) -> None:
        """Slide every window and compute again, once there was a trade."""
        if self.first == AFTER_ALL:
            self.now = max(ts, self.now)
        else:
            self.on_trade(ts, nan, 0)

    def warmup(self, ts: int) -> Warmup:
        """Return the seconds since the first trade, of the longest window's."""
        if self.first == AFTER_ALL:
            return Warmup(0.0, self.need / 1e6, "s")
        return Warmup(min(max(ts, self.now) - self.first, self.need) / 1e6, self.need / 1e6, "s")

    def missing(self, ts: int) -> str:
        """Return why there is no value."""
        if self.first == AFTER_ALL:
            return "no trades yet"
        if ts - self.first < self.need:
            return warming_up(self.warmup(ts))
        span = self.spans
        while span is not None:
            if ts < span.whole:
                if span.is_overflow:
                    return f"the numbers {window_words(span)} are too large to be summed"
                return f"more than {self.prints.limit} trades {window_words(span)}"
            span = span.following
        return self._why() or NOT_FINITE

    def _result(self) -> float:
        raise NotImplementedError

    def _why(self) -> str:
        return ""


class QuoteMeasure(Indicator):
    """The newest quote; void after a gap until the next one."""

    __slots__ = ("ask", "ask_size", "bid", "bid_size", "has_gap", "has_quote")

    bid: float
    bid_size: float
    ask: float
    ask_size: float
    has_quote: bool
    has_gap: bool

    def __init__(self) -> None:
        Indicator.__init__(self)
        self.bid = 0.0
        self.bid_size = 0.0
        self.ask = 0.0
        self.ask_size = 0.0
        self.has_quote = False
        self.has_gap = False

    def on_quote(self, ts: int, bid: float, bid_size: float, ask: float, ask_size: float) -> None:
        """Take the best bid and ask with their sizes."""
        if ts > self.now:
            self.now = ts
        self.bid = bid
        self.bid_size = bid_size
        self.ask = ask
        self.ask_size = ask_size
        self.has_quote = True
        if bid > 0.0 and bid_size > 0.0 and ask > 0.0 and ask_size > 0.0:
            result = self._result()
            self.current = result + 0.0 if result - result == 0.0 else nan
        else:
            self._void()
            self.current = nan

    def on_gap(self, ts: int) -> None:
        """Forget the quote: the book is void."""
        if ts > self.now:
            self.now = ts
        self.has_gap = True
        self.has_quote = False
        self._void()
        self.current = nan

    def warmup(self, ts: int) -> Warmup:  # noqa: ARG002 - the quote's age is judged by the caller, by receive time
        """Return whether there is a quote."""
        return Warmup(1.0 if self.has_quote else 0.0, 1.0, "quotes")

    def missing(self, ts: int) -> str:
        """Return why there is no value."""
        if not self.has_quote:
            return "no quotes since the gap" if self.has_gap else "no quotes yet"
        if self.bid <= 0.0 or self.bid_size <= 0.0:
            return "the book has no bid"
        if self.ask <= 0.0 or self.ask_size <= 0.0:
            return "the book has no ask"
        return self._why(ts) or NOT_FINITE

    def _result(self) -> float:
        raise NotImplementedError

    def _void(self) -> None:
        return

    def _why(self, ts: int) -> str:  # noqa: ARG002 - most have nothing to add
        return ""


class QuotePath(QuoteMeasure):
    """Something of the newest quote against its time-weighted mean over the last `t1` microseconds.

    What was is forgotten at a gap and where a side of the book is empty: warm once `t1` lies after that.
    """

    __slots__ = ("first", "newest", "past", "path", "prints", "t1")

    t1: int
    newest: int
    first: int
    prints: Prints
    past: Prints
    path: PathSpan

    def __init__(self, t1: int) -> None:
        QuoteMeasure.__init__(self)
        self.t1 = t1
        self.newest = 0
        self.prints = _NO_PRINTS
        self.first = AFTER_ALL
        self.past = Prints(0, 0)
        self.path = PathSpan(PRICE, t1)

    def attach(self, prints: Prints) -> None:
        """Look at the newest quote of the instrument, in integers."""
        self.prints = prints

    def on_time(self, ts: int) -> None:
        """Slide the mean."""
        if ts > self.now:
            self.now = ts
        if self.first == AFTER_ALL:
            return
        self.path.slide(self.now)
        result = nan if self.now < self.first + self.t1 or self.now < self.path.whole else self._compared()
        self.current = result + 0.0 if result - result == 0.0 else nan

    def warmup(self, ts: int) -> Warmup:
        """Return the seconds since the first quote, of the mean's."""
        if self.first == AFTER_ALL:
            return Warmup(0.0, self.t1 / 1e6, "s")
        return Warmup(min(max(ts, self.now) - self.first, self.t1) / 1e6, self.t1 / 1e6, "s")

    def _result(self) -> float:
        self.newest = self._weight()
        if self.newest == BEFORE_ALL:
            self._void()
            return nan
        if self.first == AFTER_ALL:
            self.first = self.now
            self.past = Prints(0, 0)
            self.path = PathSpan(PRICE, self.t1)
            self.path.attach(self.past)
        self.past.add(self.now, self.newest, 0)
        self.until = self.now
        self.on_time(self.now)
        return self.current

    def _void(self) -> None:
        self.first = AFTER_ALL
        self.until = AFTER_ALL

    def _weight(self) -> int:
        # What is averaged, an integer, of the newest quote; BEFORE_ALL when it is too large.
        raise NotImplementedError

    def _compared(self) -> float:
        # The value from the newest weight and the path's average.
        raise NotImplementedError

    def _why(self, ts: int) -> str:
        if self.first == AFTER_ALL:
            return "the newest quote is too large to be averaged"
        if ts - self.first < self.t1:
            return warming_up(self.warmup(ts))
        if ts < self.path.whole:
            return f"more than {self.past.limit} quotes {window_words(self.path)}"
        return self._missing_words()

    def _missing_words(self) -> str:
        return ""
