"""What the figures of the browser share: a desk with a busy session, its page, and what both say of the stream."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
from playwright.async_api import Browser, Page, Playwright, async_playwright

from papertape.testkit.busy_session import start_busy_session
from papertape.testkit.chromium import CHROMIUM_ARGUMENTS, ChromiumProcess, chromium_path
from papertape.testkit.processes import DeskProcess

_NEWEST = "document.querySelector('[data-testid=panel-transitions] [data-testid=row]')?.dataset.key"
_BADGE = "document.querySelector('[data-testid=connection-badge]')?.dataset"


class BusyDesk(msgspec.Struct, frozen=True, kw_only=True):
    """A desk whose session never stops making facts. `url` is where the page is opened."""

    process: DeskProcess
    session_id: str
    url: str

    @property
    def page_url(self) -> str:
        """Return the address of the session's page."""
        return f"{self.url}/sessions/{self.session_id}"

    async def newest(self) -> int:
        """Return the seq of the newest transition the desk has."""
        path = f"/api/sessions/{self.session_id}/transitions?limit=1&newest_first=true"
        answer = await asyncio.to_thread(self.process.get, path)
        return int(answer["items"][0]["seq"])

    async def seqs(self, topic: str, first: int, last: int) -> list[int]:
        """Return the seqs of all facts of a topic between two, newest first."""
        path = f"/api/sessions/{self.session_id}/{topic}?limit=10000&newest_first=true"
        answer = await asyncio.to_thread(self.process.get, path)
        return [fact["seq"] for fact in answer["items"] if first <= fact["seq"] <= last]

    async def connections(self) -> Any:
        """Return what the desk says of its stream connections."""
        return await asyncio.to_thread(self.process.get, "/api/connections")


@contextlib.asynccontextmanager
async def busy_desk(shown_at: str | None = None) -> AsyncIterator[BusyDesk]:
    """Run it while the block runs; `shown_at` is the address of a proxy that shows it."""
    options = ["--feed", "simulated", "--no-demo", *(["--public-url", shown_at] if shown_at else [])]
    with tempfile.TemporaryDirectory() as folder:
        desk = await asyncio.to_thread(DeskProcess, Path(folder) / "data", *options)
        try:
            yield BusyDesk(process=desk, session_id=start_busy_session(desk), url=shown_at or desk.url)
        finally:
            await asyncio.to_thread(desk.end)


@contextlib.asynccontextmanager
async def users_browser() -> AsyncIterator[Browser]:
    """Run a Chromium whose hidden tabs are hidden; its pages belong to the default context."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        chromium = await asyncio.to_thread(ChromiumProcess, Path(folder))
        try:
            async with async_playwright() as playwright:
                yield await playwright.chromium.connect_over_cdp(chromium.endpoint, no_defaults=True)
        finally:
            await asyncio.to_thread(chromium.end)


@contextlib.asynccontextmanager
async def test_browser() -> AsyncIterator[Browser]:
    """Run a Chromium as Playwright starts it."""
    async with async_playwright() as playwright:
        browser = await launch_browser(playwright)
        yield browser
        await browser.close()


async def launch_browser(playwright: Playwright) -> Browser:
    """Start a Chromium as Playwright does; end it with `close`."""
    return await playwright.chromium.launch(executable_path=chromium_path(), args=[*CHROMIUM_ARGUMENTS])


async def count_sockets(page: Page) -> list[str]:
    """Return a list that grows by the address of every stream socket the page opens."""
    made: list[str] = []
    devtools = await page.context.new_cdp_session(page)
    devtools.on("Network.webSocketCreated", lambda event: _note(made, event["url"]))
    await devtools.send("Network.enable")
    return made


def _note(made: list[str], url: str) -> None:
    if url.endswith("/api/stream"):
        made.append(url)


async def wait_live(page: Page, timeout_s: float = 15.0) -> None:
    """Wait until the page is live over WebSocket and shows facts."""
    expression = f"() => {_BADGE}?.state === 'live' && {_NEWEST} !== undefined"
    await page.wait_for_function(expression, timeout=timeout_s * 1000)


async def wait_for_badge(page: Page, state: str, timeout_s: float = 120.0) -> None:
    """Wait until the page says that state of its connection."""
    await page.wait_for_function(f"state => {_BADGE}?.state === state", arg=state, timeout=timeout_s * 1000)


async def shown(page: Page) -> int:
    """Return the seq of the newest transition on the page."""
    return int(await page.evaluate(_NEWEST))


async def badge(page: Page) -> dict[str, str]:
    """Return the badge's transport, state and count of reconnects."""
    return dict(await page.evaluate(f"() => ({{...{_BADGE}}})"))


async def seconds_to_fresh(page: Page, desk: BusyDesk) -> float:
    """Return how long from now until the page shows the newest fact the desk has now."""
    began = time.monotonic()
    newest = await desk.newest()
    await page.wait_for_function(f"seq => Number({_NEWEST}) >= seq", arg=newest, polling=20, timeout=60_000)
    return round(time.monotonic() - began, 3)


async def lost_facts(page: Page, desk: BusyDesk, topics: tuple[str, ...] = ("transitions", "signals")) -> int:
    """Return how many facts differ between the page's own export and the desk's lists, missing and repeated alike.

    A page that is opened late begins with the newest facts of a snapshot; the comparison begins with its oldest.
    """
    lost = 0
    for topic in topics:
        held = await _export(page, topic)
        lost += _difference(held, await desk.seqs(topic, held[-1], held[0]))
    return lost


def _difference(held: list[int], stored: list[int]) -> int:
    return 0 if held == stored else max(1, abs(len(held) - len(stored)), len(set(held) ^ set(stored)))


async def _export(page: Page, topic: str) -> list[int]:
    async with page.expect_download() as download:
        await page.get_by_test_id(f"panel-{topic}").get_by_role("button", name="CSV").click()
    path = await (await download.value).path()
    text = await asyncio.to_thread(path.read_text, encoding="utf-8-sig")
    return [int(row["seq"]) for row in csv.DictReader(text.splitlines())]
