"""A clock that moves when a test says so."""

from __future__ import annotations

import asyncio
import heapq
import itertools


class ManualTime:
    """Wall clock in microseconds UTC and monotonic seconds that advance together."""

    def __init__(self, start_us: int = 1_766_854_702_000_000) -> None:
        self._start_us = start_us
        self._elapsed_s = 0.0

    def clock(self) -> int:
        """Return the wall clock."""
        return self._start_us + round(self._elapsed_s * 1e6)

    def monotonic(self) -> float:
        """Return the monotonic clock."""
        return self._elapsed_s

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._elapsed_s += seconds


class PausingTime(ManualTime):
    """Manual time that tasks can wait on: `pass_time` wakes each at the moment it asked for."""

    def __init__(self, start_us: int = 1_766_854_702_000_000) -> None:
        super().__init__(start_us)
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Event]] = []

    async def pause(self, seconds: float) -> None:
        """Wait until the test has let `seconds` pass."""
        woken = asyncio.Event()
        heapq.heappush(self._sleepers, (self.monotonic() + seconds, next(self._order), woken))
        await woken.wait()

    async def pass_time(self, seconds: float) -> None:
        """Let time pass; everything that becomes ready on the way runs."""
        until = self.monotonic() + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= until:
            at, _, woken = heapq.heappop(self._sleepers)
            self.advance(at - self.monotonic())
            woken.set()
            await settle()
        self.advance(until - self.monotonic())
        await settle()


async def settle(turns: int = 50) -> None:
    """Let everything that is ready run."""
    for _ in range(turns):
        await asyncio.sleep(0)
