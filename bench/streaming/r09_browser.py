"""R9: a browser whose thread is blocked, whose tab is hidden, and whose page is frozen, each beside a busy session."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from playwright.async_api import Page

from streaming.browser import (
    BusyDesk,
    badge,
    busy_desk,
    count_sockets,
    seconds_to_fresh,
    shown,
    users_browser,
    wait_live,
)
from streaming.figure import Figure, Options, Outcome

_FRESH_S = 2.0
_BLOCK = "ms => { const end = performance.now() + ms; while (performance.now() < end); }"
_COUNT = "() => { globalThis.__turns = 0; setInterval(() => { globalThis.__turns += 1 }, 100) }"


async def measure(options: Options) -> Outcome:
    """Measure each of the three in a page of its own, all in one browser that treats tabs as a user's does."""
    hidden_s = options.seconds_or(18.0, 150.0)
    frozen_s = options.seconds_or(8.0, 150.0)
    figures: dict[str, Any] = {}
    async with busy_desk() as desk, users_browser() as browser:
        rounds: dict[str, Callable[[Page], Awaitable[None]]] = {
            "thread_blocked_15_s": lambda page: page.evaluate(_BLOCK, 15_000),
            f"hidden_{hidden_s:.0f}_s": lambda page: _hide(page, hidden_s),
            f"frozen_{frozen_s:.0f}_s": lambda page: _freeze(page, frozen_s),
        }
        for name, disturb in rounds.items():
            page = await browser.contexts[0].new_page()
            figures[name] = await _round(desk, page, disturb)
            await page.close()
    missed = [
        f"{name}: {round_['forced_reconnects']} forced reconnects, fresh after {round_['fresh_s']} s"
        for name, round_ in figures.items()
        if round_["forced_reconnects"] or round_["fresh_s"] > _FRESH_S
    ]
    return Outcome(figures=figures, method=_METHOD, is_reached=not missed, shortfall="; ".join(missed))


async def _round(desk: BusyDesk, page: Page, disturb: Callable[[Page], Awaitable[None]]) -> dict[str, Any]:
    sockets = await count_sockets(page)
    taken = await _count_taken(page)
    await page.goto(desk.page_url)
    await wait_live(page)
    await page.evaluate(_COUNT)
    await page.evaluate("globalThis.__seen = []; for (const what of ['visibilitychange', 'freeze', 'resume'])"
                        " document.addEventListener(what, () => globalThis.__seen.push(what))")  # fmt: skip
    before = await shown(page)
    turns = await page.evaluate("globalThis.__turns")
    await disturb(page)
    meanwhile = await page.evaluate("globalThis.__turns") - turns
    fresh_s = await seconds_to_fresh(page, desk)
    await asyncio.sleep(12)  # a forced reconnect would follow within the 10 s that a probe is given
    state = await badge(page)
    own = [record for record in (await desk.connections())["ended"] if record["closed_by"] != "client"]
    return {
        "fresh_s": fresh_s,
        "sockets": len(sockets),
        "taken_by_the_browser": len(taken),
        "forced_reconnects": int(state["reconnects"]) - len(taken),
        "transport": state["transport"],
        "closed_by_desk_or_network": len(own),
        "facts_meanwhile": (await desk.newest()) - before,
        "turns_of_a_100_ms_timer_meanwhile": meanwhile,
        "events_seen": await page.evaluate("globalThis.__seen"),
    }


async def _count_taken(page: Page) -> list[str]:
    """Return a list that grows by what Chromium says when it closes a socket itself."""
    taken: list[str] = []
    devtools = await page.context.new_cdp_session(page)
    devtools.on("Network.webSocketFrameError", lambda event: taken.append(event["errorMessage"]))
    await devtools.send("Network.enable")
    return taken


async def _hide(page: Page, seconds: float) -> None:
    cover = await page.context.new_page()
    await cover.bring_to_front()
    await asyncio.sleep(seconds)
    await page.bring_to_front()
    await cover.close()


async def _freeze(page: Page, seconds: float) -> None:
    cover = await page.context.new_page()
    await cover.bring_to_front()
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
    await asyncio.sleep(seconds)
    await devtools.send("Page.setWebLifecycleState", {"state": "active"})
    await page.bring_to_front()
    await cover.close()


_METHOD = (
    "A desk process with a session whose facts never stop, and Chromium 156 in headless mode, started by us and "
    "not by the test driver, which would keep every tab visible. Blocked: a loop on the page's thread. Hidden: "
    "another tab in front, so that timers fire once a second and after 10 s (Chromium's grace period, shortened "
    "from 10 minutes by its own switch) once a minute. Frozen: the same, and Page.setWebLifecycleState; Chromium "
    "then closes the socket itself (its message: Page entered Back-Forward Cache), which is counted apart. Fresh:"
    " the page shows the newest fact the desk had when the disturbance ended. Sockets are counted by the DevTools"
    " protocol, for 12 s longer."
)
FIGURE = Figure(
    number="R9",
    what="a browser's thread blocked for 15 s; its tab hidden with throttled timers; its page frozen",
    target="0 forced reconnects; ≤ 2 s to fresh data",
    measure=measure,
)
