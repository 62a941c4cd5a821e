"""A real browser on a live session for a while: nobody hangs up, and memory stays where it was."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Page, expect

from papertape.testkit.processes import DeskProcess

if TYPE_CHECKING:
    from tests.e2e.conftest import RoutedStream

PANELS = ("state-machines", "watchlist", "conditions", "indicators", "signals", "transitions", "orders", "fills")
SOAK_SECONDS = float(os.environ.get("PAPERTAPE_SOAK_SECONDS", "60"))
CUTS = 20


def watch(page: Page, desk: DeskProcess, session_id: str, seconds: float) -> None:
    """Look at the page about once a second: connected all the time, fresh, and facts keep coming."""
    badge = page.get_by_test_id("connection-badge")
    signals = page.get_by_test_id("panel-signals").get_by_test_id("row")
    expect(badge).to_have_attribute("data-state", "live", timeout=15_000)
    expect(signals.first).to_be_visible(timeout=15_000)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        newest = signals.first.get_attribute("data-key") or ""
        expect(signals.first).not_to_have_attribute("data-key", newest, timeout=15_000)
        expect(badge).to_have_attribute("data-reconnects", "0")
        assert page.get_by_test_id("panel-watchlist").locator(".age.is-old").count() == 0
    connections = desk.get("/api/connections")
    assert (len(connections["live"]), connections["ended"]) == (1, [])
    assert desk.get(f"/api/sessions/{session_id}")["is_degraded"] is False


def weigh(page: Page, desk: DeskProcess) -> dict[str, Any]:
    """Return the memory of the page and of the desk after a collection of garbage, in megabytes."""
    client = page.context.new_cdp_session(page)
    client.send("HeapProfiler.collectGarbage")
    page_mb = client.send("Runtime.getHeapUsage")["usedSize"] / 1e6
    client.detach()
    return {"page_mb": round(page_mb, 1), "desk_mb": round(desk.get("/api/system")["memory_mb"], 1)}


def soak(page: Page, desk: DeskProcess, session_id: str, seconds: float) -> None:
    """Watch for `seconds`, then say what it weighed, and fail when the page has grown without bound."""
    page.goto(f"{desk.url}/sessions/{session_id}")
    watch(page, desk, session_id, seconds / 4)
    before = weigh(page, desk)
    watch(page, desk, session_id, seconds * 3 / 4)
    after = weigh(page, desk)
    print(f"\nsoak of {seconds:.0f} s: before {before}, after {after}")  # noqa: T201  a figure of the report
    assert after["page_mb"] < before["page_mb"] + 40
    assert after["desk_mb"] < before["desk_mb"] + 150


def test_half_a_minute_of_a_live_session_needs_no_reconnect(
    run_desk: Callable[..., DeskProcess], start_busy: Callable[..., str], page: Page
) -> None:
    desk = run_desk("--feed", "simulated", "--no-demo")
    soak(page, desk, start_busy(desk), 30)


@pytest.mark.soak
def test_a_long_live_session_needs_no_reconnect_and_then_bears_twenty_cuts(
    run_desk: Callable[..., DeskProcess],
    start_busy: Callable[..., str],
    page: Page,
    expect_facts_once: Callable[..., None],
    request: pytest.FixtureRequest,
) -> None:
    desk = run_desk("--feed", "simulated", "--no-demo")
    session_id = start_busy(desk)
    soak(page, desk, session_id, SOAK_SECONDS)

    stream: RoutedStream = request.getfixturevalue("routed_stream")
    page.reload()
    expect(page.get_by_test_id("connection-badge")).to_have_attribute("data-state", "live", timeout=15_000)
    for _ in range(CUTS):
        stream.cut_and_wait()
        for panel in PANELS:
            assert page.get_by_test_id(f"panel-{panel}").get_by_test_id("row").count() > 0, f"{panel} is empty"
    expect_facts_once(desk, session_id, is_late=True)
