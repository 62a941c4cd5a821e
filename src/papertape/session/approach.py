"""Brings a session up to the present before it goes live: history that warms, or what it missed while it was away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from papertape.model.entries import MarketEvent
from papertape.session.core import SessionCore
from papertape.session.source import MarketSource

PORTION = 150
"""How many events are journalled and stepped at once, so that the event loop stays free."""


class Feed(Protocol):
    """Journals entries and steps the engine over them."""

    def __call__(self, entries: Sequence[MarketEvent], *, is_warmup: bool = False) -> None:
        """Take entries older than the present."""


class Approach:
    """What one session does between its start and its subscription. `goes_on` is asked before every portion."""

    def __init__(self, source: MarketSource, core: SessionCore, feed: Feed) -> None:
        self._source = source
        self._core = core
        self._feed = feed

    async def warm_up(self, goes_on: Callable[[], bool]) -> None:
        """Journal the venue's history as warm-up, from where an interrupted warm-up ended.

        Raises:
            Unavailable: the venue does not answer.
        """
        history = await self._source.history(self._core.plan.instruments)
        since = self._core.tape.last_ts
        await self._take([event for event in history if event.ts > since], goes_on, is_warmup=True)

    async def bridge_gap(self, away_us: int, say: Callable[[str], None], goes_on: Callable[[], bool]) -> None:
        """Say that the desk was away, then replay what the venue still has of that time.

        Raises:
            Unavailable: the venue does not answer.
        """
        since = self._core.tape.last_ts
        self._source.take_up(since, self._core.engine.last_prices())
        missed = await self._source.missed(self._core.plan.instruments, since)
        if not goes_on():
            return
        policy = "catch_up" if missed else "hold"
        done = f"{len(missed)} missed trades were fetched and replayed" if missed else "nothing is filled for that time"
        say(f"The desk was away for {away_us / 1e6:.0f} s; {done} (gap policy {policy}).")
        await self._take(missed, goes_on)

    async def _take(
        self, events: Sequence[MarketEvent], goes_on: Callable[[], bool], *, is_warmup: bool = False
    ) -> None:
        for start in range(0, len(events), PORTION):
            if not goes_on():
                return
            self._feed(events[start : start + PORTION], is_warmup=is_warmup)
            await asyncio.sleep(0)
