"""A feed listener that collects, and lets a test wait for what it needs instead of sleeping."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from papertape.model.entries import MarketEvent
from papertape.model.feed import FeedState, FeedStatus

_E = TypeVar("_E", bound=MarketEvent)


class CollectingListener:
    """Keeps every event and status in the order they came."""

    def __init__(self) -> None:
        self.events: list[MarketEvent] = []
        self.bursts = 0
        self.statuses: list[FeedStatus] = []
        self._changed = asyncio.Event()

    def on_events(self, events: Sequence[MarketEvent]) -> None:
        """Keep a burst."""
        self.events.extend(events)
        self.bursts += 1
        self._changed.set()

    def on_status(self, status: FeedStatus) -> None:
        """Keep a status."""
        self.statuses.append(status)
        self._changed.set()

    def of(self, kind: type[_E]) -> list[_E]:
        """Return the events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def states(self) -> list[FeedState]:
        """Return the states in order, repeats left out."""
        states = [status.state for status in self.statuses]
        return [state for index, state in enumerate(states) if index == 0 or states[index - 1] != state]

    async def until(self, condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
        """Wait until `condition` holds; it is looked at after every call from the feed."""
        async with asyncio.timeout(timeout_s):
            while not condition():
                self._changed.clear()
                await self._changed.wait()
