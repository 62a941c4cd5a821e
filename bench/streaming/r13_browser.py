"""R13 in the browser: something on the way blocks WebSockets, in three ways, and later lets them through again."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from playwright.async_api import Browser

from papertape.testkit.fault_proxy import FaultProxy
from papertape.testkit.faults import CutUpgrade, Fault, HangUpgrade, RefuseUpgrade, Reset
from streaming.browser import (
    BusyDesk,
    badge,
    busy_desk,
    lost_facts,
    seconds_to_fresh,
    test_browser,
    wait_for_badge,
    wait_live,
)
from streaming.figure import Figure, Options, Outcome

_FALLBACK_S, _BACK_S = 35.0, 60.0
_BLOCKS: dict[str, Fault] = {"403": RefuseUpgrade(), "hang": HangUpgrade(), "accepted_then_cut": CutUpgrade()}


async def measure(options: Options) -> Outcome:
    """Measure each block twice: there from the first attempt on, and falling on a page that was live."""
    blocked_s = options.seconds_or(2.0, 30.0)
    kinds = list(_BLOCKS)[: options.rounds_or(len(_BLOCKS), len(_BLOCKS))]
    figures: dict[str, Any] = {}
    async with (
        FaultProxy(seed=options.seed) as proxy,
        busy_desk(f"http://127.0.0.1:{proxy.port}") as desk,
        test_browser() as browser,
    ):
        proxy.target_port = int(desk.process.url.rpartition(":")[2])
        for kind in kinds:
            for is_live in (False, True) if options.is_long else (kind == "hang",):
                name = f"{kind}_{'while_live' if is_live else 'from_the_start'}"
                figures[name] = await _round(desk, browser, proxy, _BLOCKS[kind], blocked_s, is_live=is_live)
    missed = [f"{name}: {round_}" for name, round_ in figures.items() if not _is_reached(round_)]
    return Outcome(figures=figures, method=_METHOD, is_reached=not missed, shortfall="; ".join(missed))


def _is_reached(round_: dict[str, Any]) -> bool:
    return bool(round_["fallback_s"] <= _FALLBACK_S and round_["back_s"] <= _BACK_S and round_["lost"] == 0)


async def _round(
    desk: BusyDesk, browser: Browser, proxy: FaultProxy, block: Fault, blocked_s: float, *, is_live: bool
) -> dict[str, Any]:
    page = await (await browser.new_context()).new_page()
    if is_live:
        await page.goto(desk.page_url)
        await wait_live(page)
        await asyncio.sleep(10)  # a connection that dies younger counts as failed
    began = time.monotonic()
    proxy.apply(block, "new")
    if is_live:
        proxy.apply(Reset())
    else:
        await page.goto(desk.page_url)
    await wait_for_badge(page, "polling")
    await seconds_to_fresh(page, desk)
    fallback_s = round(time.monotonic() - began, 1)
    by = (await badge(page))["transport"]
    await asyncio.sleep(blocked_s)
    lost = await lost_facts(page, desk)
    unblocked = time.monotonic()
    proxy.heal()
    await wait_for_badge(page, "live")
    await seconds_to_fresh(page, desk)
    back_s = round(time.monotonic() - unblocked, 1)
    lost += await lost_facts(page, desk)
    await page.context.close()
    return {"fallback_s": fallback_s, "by": by, "back_s": back_s, "lost": lost}


_METHOD = (
    "The page of a session whose facts never stop, in headless Chromium, through the fault proxy, which answers "
    "upgrades with 403, never answers them, or cuts them once accepted, and passes every other request. Fallback:"
    " from the block until the page shows the newest fact over another transport. Back: from the end of the block"
    " until it does over WebSocket. Lost: the page's own export of transitions and signals against the desk's "
    "lists, missing and repeated alike. WebSocket is tried 15, 45 and 105 s after the fallback began, then ever "
    "more rarely, so that a block of more than 105 s takes up to 120 s, later 300 s, to be found gone, or until "
    "the tab is shown or the network returns."
)
FIGURE = Figure(
    number="R13b",
    what="a browser whose WebSocket is blocked (403, hang, accepted then cut) and later let through",
    target="data by fallback ≤ 35 s, back on WebSocket ≤ 60 s after unblocking, 0 lost",
    measure=measure,
)
