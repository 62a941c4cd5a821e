"""What a trader does, from the first visit to the emergency stop, in a real browser."""

from __future__ import annotations

import gzip
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Response, expect

from papertape.testkit.processes import DeskProcess

BUDGET = 250_000
"""Bytes of gzipped JavaScript and CSS before the first paint."""
FIRST_PAINT_MS = 1_000


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskProcess]:
    """One desk for all journeys."""
    desk = DeskProcess(tmp_path_factory.mktemp("journeys") / "data", "--feed", "simulated", "--no-demo")
    yield desk
    desk.end()


@pytest.fixture
def holding(desk: DeskProcess, start_busy: Callable[..., str], page: Page) -> Iterator[str]:
    """The page of a session that holds a position on each of its three symbols."""
    session_id = start_busy(desk, hold_s=100_000)
    page.goto(f"{desk.url}/sessions/{session_id}")
    expect(hero(page)).to_have_attribute("data-state", "running", timeout=15_000)
    expect(close_buttons(page)).to_have_count(3, timeout=15_000)
    yield session_id
    desk.post(f"/api/sessions/{session_id}/emergency-stop")


def hero(page: Page) -> Locator:
    return page.get_by_test_id("status-hero")


def rows(page: Page, panel: str) -> Locator:
    return page.get_by_test_id(f"panel-{panel}").get_by_test_id("row")


def close_buttons(page: Page) -> Locator:
    return page.get_by_test_id("panel-positions").get_by_test_id("close-position")


def open_positions(desk: DeskProcess, session_id: str) -> list[Any]:
    equity = desk.get(f"/api/dashboard/summary?session_id={session_id}")["equity"]
    return list(equity["open_positions"])


def test_a_first_visit_shows_the_demonstration_with_every_panel_live_within_ten_seconds(
    run_desk: Callable[..., DeskProcess], page: Page, shoot: Callable[[str], None]
) -> None:
    desk = run_desk("--feed", "simulated")
    page.goto(desk.url)
    opened = time.monotonic()
    expect(hero(page)).to_have_attribute("data-state", "running", timeout=10_000)
    expect(page.get_by_test_id("simulated-banner")).to_contain_text("SIMULATED")
    expect(rows(page, "state-machines")).to_have_count(3)
    expect(rows(page, "watchlist")).to_have_count(3)
    expect(rows(page, "watchlist").locator(".age.is-fresh")).to_have_count(3)
    for panel in ("indicators", "conditions", "preflight", "pipeline"):
        expect(rows(page, panel).first).to_be_visible()
    expect(page.get_by_test_id("panel-equity").locator("canvas").first).to_be_visible()
    expect(page.get_by_test_id("panel-chart").locator("canvas").first).to_be_visible()
    expect(page.get_by_test_id("connection-badge")).to_have_attribute("data-state", "live")
    assert time.monotonic() - opened <= 10
    assert page.get_by_text("--", exact=True).count() == 0
    shoot("first-visit")


def test_a_session_is_started_with_the_dialog_and_a_wrong_capital_is_told_at_its_field(
    desk: DeskProcess, page: Page, shoot: Callable[[str], None]
) -> None:
    page.goto(f"{desk.url}/sessions")
    page.get_by_test_id("start-session").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_test_id("start-submit").click()
    expect(dialog.get_by_test_id("error-strategies")).to_be_visible()
    dialog.locator("input[name=strategy][value=ema-cross]").check()
    search = dialog.get_by_test_id("symbol-search")
    for typed, symbol in (("sol", "SOLUSDT-PERP.SIMULATED"), ("eth", "ETHUSDT-PERP.SIMULATED")):
        search.fill(typed)
        page.get_by_role("option").filter(has_text=re.compile(f"{symbol.partition('-')[0]} perpetual")).click()
    capital = dialog.locator("input[inputmode=decimal]")
    capital.fill("-5")
    dialog.get_by_test_id("start-submit").click()
    expect(capital).to_have_attribute("aria-invalid", "true")
    expect(dialog).to_contain_text("Capital must be a positive amount, such as 10000.")
    shoot("start-dialog")
    capital.fill("5000")
    dialog.get_by_test_id("start-submit").click()

    expect(page).to_have_url(re.compile(r"/sessions/exec_\d{8}_\d{6}_[0-9a-f]{8}$"), timeout=10_000)
    expect(dialog).to_have_count(0)
    expect(hero(page)).to_have_attribute("data-state", "running", timeout=15_000)
    expect(page.get_by_test_id("equity")).to_contain_text(re.compile(r"5.?000"))
    expect(rows(page, "watchlist")).to_have_count(2)
    session_id = page.url.rpartition("/")[2]
    session = desk.get(f"/api/sessions/{session_id}")
    assert (session["strategies"], session["mode"]) == (["ema-cross"], "PAPER")
    desk.post(f"/api/sessions/{session_id}/stop")


def test_the_chart_of_a_session_opened_at_its_first_moment_gets_the_whole_history(
    desk: DeskProcess, start_busy: Callable[..., str], page: Page
) -> None:
    def is_whole(response: Response) -> bool:
        return "/bars?" in response.url and len(response.json()["items"]) > 200

    session_id = start_busy(desk)
    with page.expect_response(is_whole, timeout=20_000):
        page.goto(f"{desk.url}/sessions/{session_id}")
    desk.post(f"/api/sessions/{session_id}/emergency-stop")


def test_entries_are_paused_one_position_is_closed_and_the_session_is_stopped(
    desk: DeskProcess, page: Page, holding: str
) -> None:
    page.get_by_test_id("pause-entries").click()
    expect(page.get_by_test_id("resume-entries")).to_be_visible()
    expect(hero(page)).to_contain_text("entries paused")
    assert desk.get(f"/api/sessions/{holding}")["entries_paused"] is True

    first = close_buttons(page).first
    first.click()
    expect(first).to_have_attribute("data-armed", "true")
    assert len(open_positions(desk, holding)) == 3
    first.click()
    expect(close_buttons(page)).to_have_count(2, timeout=10_000)
    expect(rows(page, "positions")).to_have_count(3)

    page.get_by_test_id("resume-entries").click()
    expect(page.get_by_test_id("pause-entries")).to_be_visible()
    expect(close_buttons(page)).to_have_count(3, timeout=10_000)

    page.get_by_test_id("stop-session").click()
    expect(page.get_by_test_id("stop-leave")).to_be_visible()
    page.get_by_test_id("stop-close").click()
    expect(hero(page)).to_have_attribute("data-state", "stopped", timeout=20_000)
    assert open_positions(desk, holding) == []
    expect(close_buttons(page)).to_have_count(0)
    expect(rows(page, "watchlist")).to_have_count(3)

    page.goto(f"{desk.url}/sessions")
    listed = {item["session_id"] for item in desk.get("/api/sessions")["items"]}
    assert holding in listed
    expect(page.get_by_test_id("panel-sessions").get_by_test_id("row")).to_have_count(len(listed))
    row = page.locator(f"[data-testid=panel-sessions] [data-key='{holding}']")
    expect(row.locator("[data-state=stopped]")).to_be_visible()
    row.get_by_role("link").click()
    expect(hero(page)).to_have_attribute("data-session", holding)


def test_escape_twice_stops_everything_and_once_does_nothing(desk: DeskProcess, page: Page, holding: str) -> None:
    page.get_by_test_id("stop-session").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(hero(page)).to_have_attribute("data-state", "running")
    hint = page.get_by_text("Press Esc again to stop everything")
    expect(hint).to_be_visible()
    expect(hint).to_have_count(0)
    expect(hero(page)).to_have_attribute("data-state", "running")
    page.keyboard.press("Escape")
    expect(hint).to_be_visible()
    age = rows(page, "conditions").first  # the page is drawn again between the presses
    expect(age).not_to_have_text(age.text_content() or "", timeout=1_000)
    page.keyboard.press("Escape")
    expect(hero(page)).to_have_attribute("data-state", "stopped", timeout=20_000)
    assert open_positions(desk, holding) == []
    changes = desk.get(f"/api/sessions/{holding}/events")["items"]
    assert "Emergency stop by the trader." in [change["reason"] for change in changes]


@pytest.mark.usefixtures("holding")
def test_theme_and_naming_are_switched_and_naming_is_remembered(page: Page) -> None:
    html = page.locator("html")
    before = html.get_attribute("data-mantine-color-scheme")
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_test_id("theme-switch").click()
    expect(html).not_to_have_attribute("data-mantine-color-scheme", before or "")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != background

    state = rows(page, "state-machines").first.locator("[data-state=POSITION_ACTIVE]")
    expect(state).not_to_have_text("POSITION_ACTIVE")
    page.get_by_test_id("naming-switch").get_by_role("button").nth(1).click()
    expect(state).to_have_text("POSITION_ACTIVE")
    expect(page.get_by_test_id("panel-conditions").locator("[data-section=ZE1] h3")).to_have_text("ZE1")
    page.reload()
    expect(state).to_have_text("POSITION_ACTIVE", timeout=10_000)


@pytest.mark.usefixtures("holding")
def test_a_row_is_chosen_with_the_keyboard_and_the_other_panels_follow(page: Page) -> None:
    target = page.locator("[data-testid=panel-watchlist] [data-key='PUMPUSDT-PERP.SIMULATED']").get_by_role("button")
    target.focus()
    page.keyboard.press("Enter")
    expect(target).to_have_attribute("aria-pressed", "true")
    for panel in ("indicators", "conditions"):
        expect(page.get_by_test_id(f"panel-{panel}").locator("header").first).to_contain_text("PUMPUSDT")


@pytest.mark.usefixtures("holding")
def test_a_phone_shows_the_hero_first_and_never_scrolls_sideways(
    desk: DeskProcess, page: Page, shoot: Callable[[str], None]
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.reload()
    expect(close_buttons(page)).to_have_count(3, timeout=15_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for name in ("pnl", "stop-session", "emergency-stop"):
        expect(page.get_by_test_id(name)).to_be_in_viewport()
    expect(hero(page).get_by_test_id("close-position").first).to_be_visible()
    at = hero(page).bounding_box()
    board = page.locator(".board").bounding_box()
    assert at is not None
    assert board is not None
    assert at["y"] < board["y"]
    shoot("phone")
    page.goto(f"{desk.url}/sessions")
    expect(page.get_by_test_id("panel-sessions").get_by_test_id("row").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_page_is_small_and_paints_within_a_second(desk: DeskProcess, page: Page) -> None:
    html = desk.http.get("/").text
    files = sorted(set(re.findall(r'(?:src|href)="(/assets/[^"]+\.(?:js|css))"', html)))
    assert files
    sizes = {file: len(gzip.compress(desk.http.get(file).content, 6)) for file in files}
    assert sum(sizes.values()) <= BUDGET, sizes
    assert "https://" not in html

    paints = []
    for _ in range(3):
        page.goto(desk.url)
        expect(page.get_by_test_id("connection-badge")).to_be_visible()
        paint = page.wait_for_function("performance.getEntriesByName('first-contentful-paint')[0]?.startTime")
        paints.append(paint.json_value())
    assert min(paints) <= FIRST_PAINT_MS, paints
