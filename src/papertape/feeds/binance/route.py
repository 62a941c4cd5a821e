"""One shared stream address: kept connected, subscribed and fresh, without end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from random import Random

from papertape.errors import Unavailable
from papertape.feeds.binance.connection import OnBurst, Timing, VenueConnection
from papertape.feeds.binance.frames import Received
from papertape.model.feed import FeedState


class RouteEvents:
    """What a route tells its owner; every call is synchronous, on the event loop."""

    def __init__(
        self,
        *,
        on_frames: OnBurst,
        on_ready: Callable[[], None],
        on_lost: Callable[[str], None],
        on_change: Callable[[], None],
    ) -> None:
        self.on_frames = on_frames
        self.on_ready = on_ready
        self.on_lost = on_lost
        self.on_change = on_change


class Route:
    """Keeps one connection for all that is wanted of one address.

    Reconnects with jittered exponential backoff for ever, resubscribes, watches for silence, and replaces the
    connection before the venue's 24 h limit: the new one is subscribed and buffered while the old one still delivers.
    """

    def __init__(self, url: str, timing: Timing, jitter: Random, events: RouteEvents) -> None:
        self._url = url
        self._timing = timing
        self._jitter = jitter
        self._events = events
        self._wanted: set[str] = set()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._has_been_live = False
        self._rotate_not_before = 0.0
        self.acknowledged: frozenset[str] = frozenset()
        self.state: FeedState = "connecting"
        self.detail = "not asked for yet"
        self.reconnects = 0
        self.rotations = 0

    def want(self, streams: Iterable[str]) -> None:
        """Subscribe to more streams, opening the connection if there is none."""
        self._wanted.update(streams)
        self._wake.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"binance {self._url}")

    def unwant(self, streams: Iterable[str]) -> None:
        """Unsubscribe; with nothing left the connection is closed."""
        self._wanted.difference_update(streams)
        self._wake.set()

    async def close(self) -> None:
        """Close the connection and stop; idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        failures = 0
        while True:
            await self._until_wanted()
            self._enter("reconnecting" if self._has_been_live else "connecting", f"connecting to {self._url}")
            try:
                connection = await self._connect(self._events.on_frames)
            except Unavailable as error:
                failures += 1
                await self._back_off(error.message, failures)
                continue
            lasted, reason = await self._live(connection)
            if not self._wanted:
                continue
            failures = 0 if lasted >= self._timing.stable else failures + 1
            self.reconnects += 1
            self._events.on_lost(reason)
            await self._back_off(reason, failures)

    async def _until_wanted(self) -> None:
        while not self._wanted:
            self._wake.clear()
            await self._wake.wait()

    async def _connect(self, on_burst: OnBurst) -> VenueConnection:
        connection = VenueConnection(self._url, self._timing, on_burst, self._wake.set)
        try:
            await connection.open()
            wanted = frozenset(self._wanted)
            await connection.request("SUBSCRIBE", wanted)
        except (Unavailable, asyncio.CancelledError):
            connection.abort()
            raise
        self.acknowledged = wanted
        return connection

    async def _live(self, connection: VenueConnection) -> tuple[float, str]:
        loop = asyncio.get_running_loop()
        since = loop.time()
        self._has_been_live = True
        self._enter("live", "streaming")
        self._events.on_ready()
        try:
            reason = await self._serve(connection)
        finally:
            self.acknowledged = frozenset()
        return loop.time() - since, reason

    async def _serve(self, connection: VenueConnection) -> str:
        loop, timing = asyncio.get_running_loop(), self._timing
        try:
            while True:
                self._wake.clear()
                now = loop.time()
                if connection.closed_because is not None:
                    return connection.closed_because
                if not self._wanted:
                    await connection.close()
                    return "nothing is subscribed"
                if now - connection.last_frame_at >= timing.silence:
                    return f"no data for {timing.silence:g} s"
                if self._is_due(connection, now):
                    connection = await self._rotate(connection)
                await self._follow(connection)
                next_check = min(connection.last_frame_at + timing.silence, self._rotation_at(connection))
                await self._sleep(next_check - loop.time())
        except Unavailable as error:
            return error.message
        finally:
            connection.abort()

    def _rotation_at(self, connection: VenueConnection) -> float:
        return max(connection.opened_at + self._timing.rotate, self._rotate_not_before)

    def _is_due(self, connection: VenueConnection, now: float) -> bool:
        if connection.is_ending and now >= self._rotate_not_before:
            return True
        return now >= self._rotation_at(connection)

    async def _rotate(self, old: VenueConnection) -> VenueConnection:
        buffered: list[Received] = []
        try:
            new = await self._connect(buffered.extend)
        except Unavailable:
            self._rotate_not_before = asyncio.get_running_loop().time() + self._timing.longest_retry
            return old
        try:
            await asyncio.sleep(self._timing.overlap)
        except asyncio.CancelledError:
            new.abort()
            old.abort()
            raise
        old.abort()
        new.hand_over_to(self._events.on_frames)
        if buffered:
            self._events.on_frames(buffered)
        self.rotations += 1
        self._events.on_change()
        return new

    async def _follow(self, connection: VenueConnection) -> None:
        more = self._wanted - self.acknowledged
        less = self.acknowledged - self._wanted
        if more:
            await connection.request("SUBSCRIBE", more)
            self.acknowledged |= more
        if less:
            await connection.request("UNSUBSCRIBE", less)
            self.acknowledged -= less
        if more or less:
            self._events.on_change()

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _back_off(self, reason: str, failures: int) -> None:
        timing = self._timing
        spread = timing.retry * 2 ** min(failures, 16)
        delay = min(timing.longest_retry, timing.retry + self._jitter.uniform(0, spread))
        self._enter("reconnecting" if self._has_been_live else "connecting", f"{reason}; next try in {delay:.1f} s")
        await asyncio.sleep(delay)

    def _enter(self, state: FeedState, detail: str) -> None:
        self.state, self.detail = state, detail
        self._events.on_change()
