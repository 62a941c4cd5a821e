"""Spreads work over the turns of the event loop, so that no turn takes long."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

Piece = Callable[[], bool]  # does a small part; returns whether there is more


class Turns:
    """Does pieces of work in turn, for at most about `turn_s` in one turn of the event loop; the rest comes later.

    `soon` calls back in the next turn.
    """

    def __init__(
        self,
        turn_s: float,
        monotonic: Callable[[], float],
        soon: Callable[[Callable[[], None]], object] | None = None,
    ) -> None:
        self._turn_s = turn_s
        self._left_s = turn_s
        self._monotonic = monotonic
        self._soon = soon or _soon
        self._waiting: deque[Piece] = deque()
        self._is_booked = False

    def add(self, piece: Piece) -> None:
        """Do this now, if this turn has time for it, and go on with it until it says that there is no more."""
        self._waiting.append(piece)
        self._go_on()

    def _go_on(self) -> None:
        while self._waiting and self._left_s > 0:
            began = self._monotonic()
            piece = self._waiting.popleft()
            if piece():
                self._waiting.append(piece)
            self._left_s -= self._monotonic() - began
        if self._left_s < self._turn_s and not self._is_booked:
            self._is_booked = True
            self._soon(self._next_turn)

    def _next_turn(self) -> None:
        self._is_booked = False
        self._left_s = self._turn_s
        self._go_on()


def _soon(callback: Callable[[], None]) -> object:
    return asyncio.get_running_loop().call_soon(callback)
