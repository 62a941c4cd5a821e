"""Joining a book snapshot with the updates that continue it, by the venue's update ids.

Spot updates are contiguous: `U == previous u + 1`. USD-M updates name their predecessor: `pu == previous u`.
The first update after a snapshot S spans it: spot `U <= S + 1 <= u`; USD-M `U <= S <= u`, or `pu == S`.
(Binance, "How to manage a local order book correctly", spot and USD-M pages.)
"""

from __future__ import annotations

from collections import deque
from typing import Literal

from papertape.feeds.binance.frames import DepthFrame

_BUFFERED_UPDATES = 10_000

Verdict = Literal["apply", "stale", "held", "hole"]


class BookSync:
    """The position of one instrument's book in the update ids."""

    def __init__(self) -> None:
        self._held: deque[DepthFrame] = deque(maxlen=_BUFFERED_UPDATES)
        self._last_id: int | None = None
        self._is_first = True

    @property
    def is_live(self) -> bool:
        """Whether a snapshot is in place and continued without a hole."""
        return self._last_id is not None

    def take(self, frame: DepthFrame) -> Verdict:
        """Say what to do with an update; a held one comes back from `join`; a hole voids the book."""
        if self._last_id is None:
            self._held.append(frame)
            return "held"
        if frame.last_id <= self._last_id:
            return "stale"
        if not self._continues(frame, self._last_id):
            self.void()
            self._held.append(frame)
            return "hole"
        self._last_id = frame.last_id
        self._is_first = False
        return "apply"

    def join(self, snapshot_id: int) -> list[DepthFrame] | None:
        """Take a snapshot; return the held updates that continue it, or None when a newer one is needed."""
        self._last_id = snapshot_id
        self._is_first = True
        held, self._held = self._held, deque(maxlen=_BUFFERED_UPDATES)
        joined: list[DepthFrame] = []
        for frame in held:
            verdict = self.take(frame)
            if verdict == "apply":
                joined.append(frame)
            elif verdict != "stale":
                self._last_id, self._held = None, held
                return None
        return joined

    def void(self) -> None:
        """Forget the book; updates are held until the next snapshot."""
        self._last_id = None
        self._is_first = True
        self._held.clear()

    def _continues(self, frame: DepthFrame, last_id: int) -> bool:
        if frame.previous_id is not None:
            spans = self._is_first and frame.first_id <= last_id <= frame.last_id
            return frame.previous_id == last_id or spans
        if self._is_first:
            return frame.first_id <= last_id + 1 <= frame.last_id
        return frame.first_id == last_id + 1
