"""The dashboard's own stream client, in a real browser, plays every script of the conformance suite by the rules."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

from playwright.async_api import Browser, async_playwright

from papertape.testkit.chromium import CHROMIUM_ARGUMENTS, chromium_path
from papertape.testkit.conformance.client.stage import Stage
from papertape.testkit.conformance.client.starting import Start
from papertape.testkit.conformance.client.suite import SCRIPTS, check_client
from papertape.testkit.conformance.verdict import Verdict

WEB = Path(__file__).resolve().parents[2] / "web"
SCALE = 0.2
AT_ONCE = 12


def opened_in(browser: Browser) -> Start:
    """Return a starter that opens the suite's page in a context of its own."""

    @contextlib.asynccontextmanager
    async def start(stage: Stage, topics: tuple[str, ...]) -> AsyncIterator[None]:
        query = urlencode([("scale", stage.scale), *(("topic", topic) for topic in topics)])
        context = await browser.new_context()
        page = await context.new_page()
        # A script begins with what it does to the page's first connection, so nobody waits for the page here.
        opening = asyncio.create_task(page.goto(f"{stage.url}/client.html?{query}"))
        try:
            yield
        finally:
            await asyncio.gather(opening, return_exceptions=True)
            await context.close()

    return start


async def verdicts_on(bundle: Path) -> list[Verdict]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path(), args=[*CHROMIUM_ARGUMENTS])
        verdicts = await check_client(opened_in(browser), scale=SCALE, at_once=AT_ONCE, bundle=bundle)
        await browser.close()
        return verdicts


def test_the_dashboards_client_plays_every_script_by_the_rules(tmp_path: Path) -> None:
    bundle = tmp_path / "client.js"
    bundling = ("npx", "rolldown", "tests/conformance/client.ts", "--file", str(bundle))
    subprocess.run(bundling, cwd=WEB, check=True, capture_output=True)
    with ThreadPoolExecutor(1) as pool:  # the other browser tests keep a loop running in the main thread
        verdicts = pool.submit(asyncio.run, verdicts_on(bundle)).result()
    assert {verdict.name: verdict.detail for verdict in verdicts if verdict.result != "passed"} == {}
    assert len(verdicts) == len(SCRIPTS)
