"""R17: how many sockets a tab opens while it is drawn a thousand times, mounted twice and given new code."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from playwright.async_api import Page

from papertape.testkit.processes import Process
from streaming.browser import BusyDesk, badge, busy_desk, count_sockets, seconds_to_fresh, test_browser, wait_live
from streaming.figure import Figure, Options, Outcome

_WEB = Path(__file__).resolve().parents[2] / "web"
_DRAW = """async count => {
  const buttons = [...document.querySelectorAll('[data-testid=naming-switch] button')];
  for (let i = 0; i < count; i += 1) {
    buttons[i % 2].click();
    await new Promise((next) => setTimeout(next));
  }
}"""
_PAGES = ("Sessions", "Connections", "Storage")


async def measure(options: Options) -> Outcome:
    """Measure it in the built page, and in Vite's development server, where StrictMode mounts everything twice."""
    draws = options.rounds_or(200, 1_000)
    async with busy_desk() as desk, test_browser() as browser:
        page = await (await browser.new_context()).new_page()
        built = await _draw(desk, page, desk.page_url, draws)
        await page.context.close()
        async with development_server(desk) as (url, source):
            page = await (await browser.new_context()).new_page()
            sockets = await count_sockets(page)
            developed = await _draw(desk, page, desk.page_url.replace(desk.url, url), draws, sockets)
            reloaded = await _replace_code(desk, page, source, sockets)
    figures = {"built": built, "development_strict_mode": developed, "hot_updates": reloaded}
    missed = [
        f"{name}: {round_}"
        for name, round_ in figures.items()
        if round_["sockets"] != round_["expected"] or round_["live_of_tab"] != 1
    ]
    return Outcome(figures=figures, method=_METHOD, is_reached=not missed, shortfall="; ".join(missed))


async def _draw(desk: BusyDesk, page: Page, url: str, draws: int, sockets: list[str] | None = None) -> dict[str, Any]:
    sockets = await count_sockets(page) if sockets is None else sockets
    await page.goto(url)
    await wait_live(page, 60)
    await page.evaluate(_DRAW, draws)
    for _ in range(3):
        for name in _PAGES:
            await page.get_by_role("link", name=name, exact=True).click()
            await page.wait_for_timeout(20)
        await page.go_back()
        await page.go_back()
        await page.go_back()
    await wait_live(page, 60)
    await seconds_to_fresh(page, desk)
    return {"draws": draws, "changes_of_page": 18, "expected": 1, **await _count(desk, page, sockets)}


async def _replace_code(desk: BusyDesk, page: Page, source: Path, sockets: list[str]) -> dict[str, Any]:
    """Change components, which keeps the connection, and then the connection's own code, which replaces it once."""
    loads: list[str] = []
    page.on("load", lambda _: loads.append(page.url))
    for name in ("app/shell.tsx", "panels/badge.tsx", "stores/words.ts"):
        await _change(page, source / name)
    kept = len(sockets)
    await _change(page, source / "connection" / "ladder.ts")
    await wait_live(page, 60)
    await seconds_to_fresh(page, desk)
    count = await _count(desk, page, sockets)
    return {"updates": 4, "page_loads": len(loads), "expected": 2, "before_its_own_code_changed": kept, **count}


async def _change(page: Page, module: Path) -> None:
    applied = asyncio.get_running_loop().create_future()
    page.once("console", lambda message: applied.set_result(message.text) if not applied.done() else None)
    text = await asyncio.to_thread(module.read_text)
    await asyncio.to_thread(module.write_text, f"{text}\n// changed\n")
    async with asyncio.timeout(20):
        await applied  # Vite says so on the console
    await page.wait_for_timeout(300)


async def _count(desk: BusyDesk, page: Page, sockets: list[str]) -> dict[str, Any]:
    tab = await page.evaluate("sessionStorage.getItem('papertape.tab')")
    records = await desk.connections()
    return {
        "sockets": len(sockets),
        "live_of_tab": sum(record["tab"] == tab for record in records["live"]),
        "ended_of_tab": sum(record["tab"] == tab for record in records["ended"]),
        "reconnects": int((await badge(page))["reconnects"]),
    }


@contextlib.asynccontextmanager
async def development_server(desk: BusyDesk) -> AsyncIterator[tuple[str, Path]]:
    """Run Vite on a copy of the page's source; yield its address and the folder whose files may be changed."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        copy = Path(folder) / "web"
        await asyncio.to_thread(shutil.copytree, _WEB, copy, ignore=shutil.ignore_patterns("node_modules", "tests"))
        (copy / "node_modules").symlink_to(_WEB / "node_modules")
        before = os.environ.get("PORT")
        os.environ["PORT"] = desk.url.rpartition(":")[2]  # where the development server finds the desk
        try:
            vite = Process("node", "node_modules/vite/bin/vite.js", "--port", "0", "--host", "127.0.0.1", cwd=copy)
        finally:
            os.environ.pop("PORT")
            if before is not None:
                os.environ["PORT"] = before
        try:
            url = await asyncio.to_thread(vite.wait_for, r"Local:\s+(http://\S+?)/?\s*$")
            yield url.group(1), copy / "src"
        finally:
            await asyncio.to_thread(vite.end, signal.SIGTERM)


_METHOD = (
    "Chromium on the page of a session whose facts never stop. Draws: words and codes switched, which draws every"
    " panel again, one a turn; then other pages and back. First the built page, then Vite's development server on"
    " a copy of the source, where StrictMode mounts every component twice. Hot updates: a component, a panel, a "
    "store's words, then the connection's own code, which may be replaced by a new one exactly once. Sockets are "
    "counted by the DevTools protocol and by the desk's records of this tab."
)
FIGURE = Figure(
    number="R17",
    what="sockets of a tab through 1,000 draws, StrictMode and hot updates",
    target="one socket per tab",
    measure=measure,
)
