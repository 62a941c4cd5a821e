"""Sliding windows over trades, the parts windowed indicators are made of.

A window `(t1, t2)` holds the trades with `now - t1 < ts <= now - t2`, all in microseconds, so that `(300, 0)` and
`(600, 300)` meet without overlap. It slides with time: `settle(now)` lets trades in that are old enough and out that
are too old; what it holds never depends on how often it was settled.

A window holds at most `capacity` trades. One more, and the oldest is dropped and `lost_ts` remembers its time: the
window is incomplete, and says so, until that trade would have left it anyway.
"""

from __future__ import annotations

from collections import deque

from papertape.indicators.fixed import FIXED, FIXED_ONE

CAPACITY = 1 << 20
_BEFORE_ALL = -(1 << 62)
_AFTER_ALL = 1 << 62


class Window:
    """The trades of a window, each with one number: `x` holds them from the oldest to the newest."""

    __slots__ = ("_late_ts", "_late_x", "_ts", "capacity", "lost_ts", "t1", "t2", "x")

    def __init__(self, t1: int, t2: int = 0, capacity: int = CAPACITY) -> None:
        self.t1 = t1
        self.t2 = t2
        self.capacity = capacity
        self.lost_ts = _BEFORE_ALL
        self._ts: deque[int] = deque()
        self.x: deque[float] = deque()
        # Trades too young for a window that ends before now.
        self._late_ts: deque[int] = deque()
        self._late_x: deque[float] = deque()

    def add(self, ts: int, x: float) -> None:
        """Take a trade; `ts` must not be older than the newest one's."""
        if not self.t2:
            self._enter(ts, x)
            if self._ts and self._ts[0] <= ts - self.t1:
                self._leave(ts - self.t1)
            return
        self._late_ts.append(ts)
        self._late_x.append(x)
        if len(self._late_ts) > self.capacity:
            self._late_ts.popleft()
            self._late_x.popleft()
            # The dropped trade's price would have lasted until the next one.
            self.lost_ts = self._late_ts[0]
        self.settle(ts)

    def settle(self, now: int) -> int:
        """Slide the window to end `t2` before `now`, which must not be older than the newest trade.

        Returns:
            The time before which it holds the same if no trade comes.
        """
        until = _AFTER_ALL
        late = self._late_ts
        if late:
            self._admit(now - self.t2)
            if late:
                until = late[0] + self.t2
        times = self._ts
        if times and times[0] <= now - self.t1:
            self._leave(now - self.t1)
        if times and times[0] + self.t1 < until:
            until = times[0] + self.t1
        return until

    def _admit(self, edge: int) -> None:
        late = self._late_ts
        while late and late[0] <= edge:
            self._enter(late.popleft(), self._late_x.popleft())

    def _enter(self, ts: int, x: float) -> None:
        self._ts.append(ts)
        self.x.append(x)
        if len(self._ts) > self.capacity:
            self.lost_ts = self._ts[0]
            self._leave(self._ts[0])

    def _leave(self, edge: int) -> None:
        times = self._ts
        while times and times[0] <= edge:
            times.popleft()
            self.x.popleft()


class SumWindow(Window):
    """The exact sum of `x` over a window, as a fixed-point integer."""

    __slots__ = ("total",)

    def __init__(self, t1: int, t2: int = 0, capacity: int = CAPACITY) -> None:
        super().__init__(t1, t2, capacity)
        self.total = 0

    def _enter(self, ts: int, x: float) -> None:
        self.total += int(x * FIXED)
        self._ts.append(ts)
        self.x.append(x)
        if len(self._ts) > self.capacity:
            self.lost_ts = self._ts[0]
            self._leave(self._ts[0])

    def _leave(self, edge: int) -> None:
        times = self._ts
        while times and times[0] <= edge:
            times.popleft()
            self.total -= int(self.x.popleft() * FIXED)


class LowWindow(Window):
    """`x` only rises, from the lowest number of the window to the newest: no other can be the lowest again."""

    __slots__ = ()

    def _enter(self, ts: int, x: float) -> None:
        kept = self.x
        while kept and kept[-1] >= x:
            kept.pop()
            self._ts.pop()
        super()._enter(ts, x)


class HighWindow(Window):
    """`x` only falls, from the highest number of the window to the newest: no other can be the highest again."""

    __slots__ = ()

    def _enter(self, ts: int, x: float) -> None:
        kept = self.x
        while kept and kept[-1] <= x:
            kept.pop()
            self._ts.pop()
        super()._enter(ts, x)


class LatestWindow(Window):
    """The newest trade of the window only."""

    __slots__ = ()

    def _enter(self, ts: int, x: float) -> None:
        self._ts.clear()
        self.x.clear()
        super()._enter(ts, x)


class PathWindow(Window):
    """The time integral of a price that lasts until the next trade, over a window; exact.

    It keeps the newest trade at or before the window's start too, whose price lasts into the window; `average` is
    defined as soon as there is one, also when no trade fell into the window.
    """

    __slots__ = ("_area", "_first", "_last")

    def __init__(self, t1: int, t2: int = 0, capacity: int = CAPACITY) -> None:
        super().__init__(t1, t2, capacity)
        # The integral from the first trade ever to the trade at the same place of `_ts`.
        self._area: deque[int] = deque()
        # The oldest and the newest price, fixed-point.
        self._first = 0
        self._last = 0

    def average(self, now: int) -> float:
        """Return integral / duration of the window settled at `now`; a trade must be at or before its start."""
        end = now - self.t2
        start = now - self.t1
        first = self._area[0] + self._first * (start - self._ts[0])
        last = self._area[-1] + self._last * (end - self._ts[-1])
        return (last - first) / ((end - start) * FIXED_ONE)

    def settle(self, now: int) -> int:
        """Slide the window as others do; its average moves with time, so what it returns is `now`."""
        if self._late_ts:
            self._admit(now - self.t2)
        times = self._ts
        if len(times) > 1 and times[1] <= now - self.t1:
            self._leave(now - self.t1)
        return now

    def _enter(self, ts: int, x: float) -> None:
        price = int(x * FIXED)
        area = 0
        if self._ts:
            area = self._area[-1] + self._last * (ts - self._ts[-1])
        else:
            self._first = price
        self._last = price
        self._ts.append(ts)
        self.x.append(x)
        self._area.append(area)
        if len(self._ts) > self.capacity:
            self._forget()
            self.lost_ts = self._ts[0]

    def _leave(self, edge: int) -> None:
        times = self._ts
        while len(times) > 1 and times[1] <= edge:
            self._forget()

    def _forget(self) -> None:
        self._ts.popleft()
        self.x.popleft()
        self._area.popleft()
        self._first = int(self.x[0] * FIXED)
