"""How far a copy has followed the journal, told from looks at both: what waits since when, and how late it is.

A look at the journal makes a mark: everything durable before it has these places. A mark is acknowledged once the copy
has taken them all, and visible once the copy's readers see them. Times are microseconds of our clock; a lag counts
from the look before the mark, so it is never too small and at most one look too large.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

import msgspec

_WINDOW_US = 60_000_000
_MOST_MARKS = 64

Transactions = Mapping[str, tuple[int, int]]
"""Of each table of the copy: the newest transaction its readers see, and the newest that was acknowledged."""


class _Mark(msgspec.Struct):
    since: int | None  # None: nothing was sent for it
    until: int
    places: Mapping[str, int]
    needed: Mapping[str, int] | None = None


class Worst:
    """The greatest number noted within the last 60 s."""

    def __init__(self) -> None:
        self._noted: deque[tuple[int, int]] = deque()

    def note(self, now: int, number: int) -> None:
        """Take note of a number."""
        while self._noted and self._noted[-1][1] <= number:
            self._noted.pop()
        self._noted.append((now, number))

    def at(self, now: int) -> int:
        """Return the greatest number, 0 when there is none."""
        while self._noted and self._noted[0][0] < now - _WINDOW_US:
            self._noted.popleft()
        return self._noted[0][1] if self._noted else 0


class Progress:
    """Follows one copy. Every commit durable before `visible_until` is visible to the copy's readers; 0: not known."""

    def __init__(self, now: int) -> None:
        self.visible_until = 0
        self._looked = now
        self._waiting: _Mark | None = None
        self._unseen: deque[_Mark] = deque()
        self._acknowledging = Worst()
        self._showing = Worst()

    @property
    def waiting_since(self) -> int | None:
        """Since when the oldest row waits that is not acknowledged, at the earliest; None when none waits."""
        return None if self._waiting is None else self._waiting.since

    @property
    def is_unseen(self) -> bool:
        """Whether something is acknowledged and not known to be visible."""
        return bool(self._unseen)

    def look(self, now: int, newest: Mapping[str, int], sent: Mapping[str, int]) -> None:
        """Take note of the newest places in the journal at `now`, and of the places sent so far."""
        mark = self._waiting or (self._unseen[-1] if self._unseen else None)
        if mark is not None and mark.places == newest:
            mark.until = self._looked = now
        elif self._waiting is None:
            if any(newest[source] > sent[source] for source in newest):
                self._waiting = _Mark(self._looked, now, dict(newest))
            elif not self._unseen and self.visible_until:
                self.visible_until = now
            elif not self._unseen:  # nothing was sent since the start: visible once the copy has applied what it took
                self._unseen.append(_Mark(None, now, dict(newest)))
            self._looked = now

    def acknowledge(self, now: int, sent: Mapping[str, int]) -> None:
        """Take note that the copy has acknowledged every row up to these places."""
        mark = self._waiting
        if mark is None or any(place > sent[source] for source, place in mark.places.items()):
            return
        self._waiting = None
        self._acknowledging.note(now, _age(now, mark))
        if len(self._unseen) >= _MOST_MARKS:  # for as long as the copy shows nothing new
            mark.since = self._unseen.pop().since
        self._unseen.append(mark)

    def show(self, now: int, transactions: Transactions) -> None:
        """Take note of what the copy's readers see; asked after everything acknowledged so far was."""
        acknowledged = {table: newest for table, (_, newest) in transactions.items()}
        for mark in self._unseen:
            mark.needed = acknowledged if mark.needed is None else mark.needed
        while self._unseen and _is_visible(self._unseen[0], transactions):
            mark = self._unseen.popleft()
            self.visible_until = mark.until
            self._showing.note(now, _age(now, mark))

    def forget(self) -> None:
        """Take note that the copy has lost rows: nothing is known to be visible."""
        self.visible_until = 0
        self._waiting = None
        self._unseen.clear()

    def lag(self, now: int) -> int:
        """Return the worst time from commit to acknowledged of the last 60 s, what still waits included."""
        return max(_age(now, self._waiting), self._acknowledging.at(now))

    def visible_lag(self, now: int) -> int:
        """Return the worst time from commit to visible of the last 60 s, what is not visible yet included."""
        oldest = self._unseen[0] if self._unseen else self._waiting
        return max(_age(now, oldest), self._showing.at(now))


def _age(now: int, mark: _Mark | None) -> int:
    return 0 if mark is None or mark.since is None else max(0, now - mark.since)


def _is_visible(mark: _Mark, transactions: Transactions) -> bool:
    needed = mark.needed or {}
    return all(table in transactions and transactions[table][0] >= least for table, least in needed.items())
