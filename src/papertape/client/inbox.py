"""What the carriers heard, waiting to be taken; bounded, so that a slow script holds up the desk, not memory."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Inbox(Generic[T]):
    """A queue that can also be waited on for something else: `nudge` ends a wait without an item."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: deque[T] = deque()
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()

    async def put(self, item: T) -> None:
        """Add an item; wait while the queue is full."""
        while len(self._items) >= self._limit:
            self._room.clear()
            await self._room.wait()
        self._items.append(item)
        self._arrived.set()

    def nudge(self) -> None:
        """End a wait."""
        self._arrived.set()

    def take(self) -> T | None:
        """Return the oldest item; None when there is none."""
        item = self._items.popleft() if self._items else None
        self._room.set()
        return item

    def __len__(self) -> int:
        return len(self._items)

    async def wait(self, seconds: float | None) -> None:
        """Wait until there is something, at most this long."""
        if self._items:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._arrived.wait()
        except TimeoutError:
            return
        finally:
            if not self._items:
                self._arrived.clear()
