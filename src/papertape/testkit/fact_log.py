"""What a stream client saw of a session's facts, to be compared with what was published."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import aclosing

from papertape.client.stream_client import StreamClient
from papertape.wire.stream import Pub, Snap, StreamError


class FactLog:
    """The seqs of every topic in the order they came. `reached` waits without polling."""

    def __init__(self, topics: Iterable[str]) -> None:
        self.seqs: dict[str, list[int]] = {topic: [] for topic in topics}
        self._snapped: set[str] = set()
        self._moved = asyncio.Event()

    async def follow(self, client: StreamClient) -> None:
        """Keep what the client yields, until cancelled."""
        async with aclosing(client.updates()) as updates:
            async for update in updates:
                self.take(update)

    def take(self, update: Pub | Snap | StreamError) -> None:
        """Keep one update: a snapshot replaces what was, a publication is appended."""
        if isinstance(update, Pub):
            self.seqs[update.topic].append(update.seq)
        elif isinstance(update, Snap):
            kept = self.seqs[update.topic] if update.page > 1 else []
            self.seqs[update.topic] = [*kept, *(row["seq"] for row in update.data)]
            self._snapped.add(update.topic)
        self._moved.set()

    async def reached(self, count: int, timeout_s: float = 10.0) -> None:
        """Wait until every topic was snapped and `count` facts are here in all."""
        async with asyncio.timeout(timeout_s):
            while len(self._snapped) < len(self.seqs) or self.count < count:
                self._moved.clear()
                await self._moved.wait()

    @property
    def count(self) -> int:
        """Return how many facts are here."""
        return sum(map(len, self.seqs.values()))

    def expected(self, last: int) -> dict[str, list[int]]:
        """Return the seqs 1 to `last` dealt over the topics as `seq % topics` says."""
        topics = [*self.seqs]
        return {
            topic: [seq for seq in range(1, last + 1) if seq % len(topics) == index]
            for index, topic in enumerate(topics)
        }
