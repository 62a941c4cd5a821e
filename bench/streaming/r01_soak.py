"""R1: a live desk with twenty clients, three of them real browsers, for as long as asked."""

from __future__ import annotations

import asyncio
import contextlib
import random
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import msgspec
from playwright.async_api import Page, async_playwright

from papertape.client.stream_client import StreamClient
from papertape.testkit.busy_session import journal_seqs, start_busy_session
from papertape.testkit.fact_log import FactLog
from papertape.testkit.processes import DeskProcess
from papertape.wire.http import Transport
from papertape.wire.topics import FACT_TABLES
from streaming.browser import launch_browser, wait_for_badge
from streaming.figure import Figure, Options, Outcome

_CARRIERS: tuple[tuple[Transport, int], ...] = (("websocket", 13), ("sse", 2), ("poll", 2))
_BROWSERS = 3
_LATEST = ("watchlist", "indicators", "conditions", "instances", "equity", "pipeline")
_LOOK_S = 2.0


class _Follower:
    """One Python client with what it was given."""

    def __init__(self, desk: DeskProcess, session_id: str, carrier: Transport, number: int, seed: int) -> None:
        self.fact_topics = [f"session/{session_id}/{name}" for name in FACT_TABLES]
        latest = [f"session/{session_id}/{name}" for name in _LATEST]
        self.log = FactLog(self.fact_topics)
        self.client = StreamClient(
            f"{desk.url}/api/stream",
            [*self.fact_topics, *latest, "desk/system"],
            tab=f"soak-{carrier}-{number}",
            carriers=(carrier,),
            seed=seed + number,
        )
        self.last_at = time.monotonic()
        self.longest_silence_s = 0.0

    async def follow(self) -> None:
        """Take everything, for ever."""
        async with aclosing(self.client.updates()) as updates:
            async for update in updates:
                now = time.monotonic()
                self.longest_silence_s = max(self.longest_silence_s, now - self.last_at)
                self.last_at = now
                if getattr(update, "topic", None) in self.fact_topics:
                    self.log.take(update)


class _Seen(msgspec.Struct, kw_only=True):
    """What was noticed while it ran."""

    looks: int = 0
    not_live: int = 0
    page_reconnects: int = 0
    stale_cells: int = 0
    lag_worst_ms: float = 0.0
    page_mb: list[float] = []
    desk_mb: list[float] = []


async def measure(options: Options) -> Outcome:
    """Measure it."""
    seconds = options.seconds_or(20.0, 1_800.0)
    with tempfile.TemporaryDirectory() as folder:
        desk = await asyncio.to_thread(DeskProcess, Path(folder) / "data", "--feed", "simulated", "--no-demo")
        try:
            session_id = start_busy_session(desk)
            return await _soak(desk, session_id, seconds, options.seed)
        finally:
            desk.end()


async def _soak(desk: DeskProcess, session_id: str, seconds: float, seed: int) -> Outcome:
    kinds = [carrier for carrier, count in _CARRIERS for _ in range(count)]
    followers = [_Follower(desk, session_id, carrier, number, seed) for number, carrier in enumerate(kinds)]
    following = [asyncio.create_task(follower.follow()) for follower in followers]
    seen = _Seen()
    async with _pages(desk, session_id) as pages:
        await asyncio.gather(*(wait_for_badge(page, "live", 30.0) for page in pages))
        desk_began = desk.memory_mb()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            await asyncio.sleep(min(_LOOK_S, max(0.0, until - time.monotonic())))  # a look now and then, by design
            await _look(desk, pages, seen)
        connections = desk.get("/api/connections")
        shown = [await _shown(page) for page in pages]
    desk.post(f"/api/sessions/{session_id}/stop", {"close_positions": True})
    stored = await _settled(desk, session_id, followers)
    for task in following:
        task.cancel()
    await asyncio.gather(*following, return_exceptions=True)
    return _outcome(seconds, followers, connections, seen, shown, stored, desk_began)


@contextlib.asynccontextmanager
async def _pages(desk: DeskProcess, session_id: str) -> AsyncIterator[list[Page]]:
    async with async_playwright() as playwright:
        browsers = [await launch_browser(playwright) for _ in range(_BROWSERS)]
        pages = [await browser.new_page() for browser in browsers]
        for page in pages:
            await page.goto(f"{desk.url}/sessions/{session_id}")
        yield pages
        for browser in browsers:
            await browser.close()


async def _look(desk: DeskProcess, pages: list[Page], seen: _Seen) -> None:
    health = desk.get("/api/connections")["health"]
    seen.looks += 1
    seen.desk_mb.append(round(desk.memory_mb(), 1))
    seen.lag_worst_ms = max(seen.lag_worst_ms, health["worst_lag_ms"])
    reconnects = 0
    for page in pages:
        badge = page.get_by_test_id("connection-badge")
        seen.not_live += await badge.get_attribute("data-state") != "live"
        reconnects += int(await badge.get_attribute("data-reconnects") or 0)
        seen.stale_cells += await page.get_by_test_id("panel-watchlist").locator(".age.is-old").count()
    seen.page_reconnects = reconnects
    heap = await pages[random.Random(seen.looks).randrange(len(pages))].evaluate("performance.memory.usedJSHeapSize")
    seen.page_mb.append(round(heap / 1e6, 1))


async def _shown(page: Page) -> int:
    rows = page.get_by_test_id("panel-signals").get_by_test_id("row")
    return int(await rows.first.get_attribute("data-key") or 0) if await rows.count() else 0


async def _settled(desk: DeskProcess, session_id: str, followers: list[_Follower]) -> dict[str, list[int]]:
    stored = journal_seqs(desk, session_id)
    until = time.monotonic() + 30
    while time.monotonic() < until:
        stored = journal_seqs(desk, session_id)
        last = {topic: seqs[-1] for topic, seqs in stored.items() if seqs}
        state = desk.get(f"/api/sessions/{session_id}")["state"]
        behind = [one for one in followers if any(one.log.seqs[topic][-1:] != [seq] for topic, seq in last.items())]
        if state == "stopped" and not behind:
            break
        await asyncio.sleep(0.2)  # stopping and delivery end by themselves; nothing tells a bystander when
    return stored


def _faults(followers: list[_Follower], stored: dict[str, list[int]]) -> dict[str, int]:
    lost = doubled = disordered = 0
    for follower in followers:
        for topic, seqs in follower.log.seqs.items():
            expected = [seq for seq in stored[topic] if not seqs or seq >= seqs[0]]
            lost += len(set(expected) - set(seqs))
            doubled += len(seqs) - len(set(seqs))
            disordered += seqs != sorted(seqs)
    return {"lost": lost, "doubled": doubled, "out_of_order": disordered}


def _outcome(
    seconds: float,
    followers: list[_Follower],
    connections: dict[str, Any],
    seen: _Seen,
    shown: list[int],
    stored: dict[str, list[int]],
    desk_began: float,
) -> Outcome:
    reconnects = sum(max(0, one.client.connects - 1) for one in followers) + seen.page_reconnects
    ended = connections["ended"]
    unexplained = [one for one in ended if one["closed_by"] is None or not one["reason"]]
    faults = _faults(followers, stored)
    wrong = reconnects + len(unexplained) + sum(faults.values()) + seen.not_live
    figures = {
        "seconds": seconds, "clients": len(followers) + _BROWSERS, "browsers": _BROWSERS,
        "live_at_the_end": len(connections["live"]), "unplanned_reconnects": reconnects,
        "closes": len(ended), "closes_without_a_cause": len(unexplained), **faults,
        "facts": sum(map(len, stored.values())), "deliveries": sum(one.log.count for one in followers),
        "holes_noticed": sum(one.client.holes for one in followers),
        "longest_silence_s": round(max(one.longest_silence_s for one in followers), 2),
        "looks_at_each_page": seen.looks, "looks_not_live": seen.not_live, "stale_cells_seen": seen.stale_cells,
        "newest_signal_on_the_pages": shown, "worst_loop_lag_ms": seen.lag_worst_ms,
        "desk_mb_first_last_most": [round(desk_began, 1), *seen.desk_mb[-1:], max(seen.desk_mb, default=0.0)],
        "page_mb_first_last_most": [*seen.page_mb[:1], *seen.page_mb[-1:], max(seen.page_mb, default=0.0)],
    }  # fmt: skip
    return Outcome(
        figures=figures,
        method=_METHOD,
        is_reached=wrong == 0,
        shortfall="" if wrong == 0 else f"{reconnects} reconnects, {len(unexplained)} closes without a cause, {faults}",
    )


_METHOD = (
    "A desk in a process of its own with a session in and out of the simulated market all the time; 13 Python clients "
    "on WebSocket, 2 on event streams, 2 on polling, each on every fact topic and six latest-value topics; 3 Chromiums "
    "on the session's page, looked at every 2 s. At the end the session is stopped and every client's facts are "
    "compared with the journal's."
)
FIGURE = Figure(
    number="R1",
    what="soak: 20 clients, 3 of them browsers, live load",
    target="0 unplanned reconnects, 0 closes without a recorded cause",
    measure=measure,
)
