"""Joining a book snapshot with the updates that continue it, by the venue's update ids.

Spot updates are contiguous: `U == previous u + 1`. USD-M updates name their predecessor: `pu == previous u`.
The first update after a snapshot S spans it: spot `U <= S + 1 <= u`; USD-M `U <= S <= u`, or `pu == S`.
(Binance, "How to manage a local order book correctly", spot and USD-M pages.)
"""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections import deque
from typing import Literal

from papertape.feeds.binance.frames import DepthFrame

BUFFERED_UPDATES = 10_000
NO_UPDATE = -(1 << 62)

Verdict = Literal["apply", "stale", "held", "hole"]


class BookSync:
    """The position of one instrument's book in the update ids; `newest` is `NO_UPDATE` without a snapshot."""

    __slots__ = ("held", "is_first", "newest")
    newest: int
    is_first: bool
    held: deque[DepthFrame]

    def __init__(self) -> None:
        self.newest = NO_UPDATE
        self.is_first = True
        self.held = deque(maxlen=BUFFERED_UPDATES)

    @property
    def is_live(self) -> bool:
        """Whether a snapshot is in place and continued without a hole."""
        return self.newest != NO_UPDATE

    def take(self, frame: DepthFrame) -> Verdict:
        """Say what to do with an update; a held one comes back from `join`; a hole voids the book."""
        if self.newest == NO_UPDATE:
            self.held.append(frame)
            return "held"
        if frame.last_id <= self.newest:
            return "stale"
        previous_id = NO_UPDATE if frame.previous_id is None else frame.previous_id
        if not self.is_next(frame.first_id, frame.last_id, previous_id):
            self.void()
            self.held.append(frame)
            return "hole"
        self.advance(frame.last_id)
        return "apply"

    def is_next(self, first_id: int, last_id: int, previous_id: int) -> bool:
        """Return whether an update continues the book; `previous_id` is `NO_UPDATE` where the market names none."""
        newest = self.newest
        if newest == NO_UPDATE or last_id <= newest:
            return False
        if previous_id != NO_UPDATE:
            return previous_id == newest or (self.is_first and first_id <= newest <= last_id)
        if self.is_first:
            return first_id <= newest + 1 <= last_id
        return first_id == newest + 1

    def advance(self, last_id: int) -> None:
        """Go on from an update that was next."""
        self.newest = last_id
        self.is_first = False

    def join(self, snapshot_id: int) -> list[DepthFrame] | None:
        """Take a snapshot; return the held updates that continue it, or None when a newer one is needed."""
        self.newest = snapshot_id
        self.is_first = True
        held, self.held = self.held, deque(maxlen=BUFFERED_UPDATES)
        joined: list[DepthFrame] = []
        for frame in held:
            verdict = self.take(frame)
            if verdict == "apply":
                joined.append(frame)
            elif verdict != "stale":
                self.newest, self.held = NO_UPDATE, held
                return None
        return joined

    def void(self) -> None:
        """Forget the book; updates are held until the next snapshot."""
        self.newest = NO_UPDATE
        self.is_first = True
        self.held.clear()
