"""No violation of the accessibility rules of axe on any page, in both themes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from papertape.testkit.processes import DeskProcess
from papertape.testkit.questdb_server import QuestServer

AXE = Path(__file__).resolve().parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
THEMES = ("dark", "light")
_RUN = """async theme => {
  // a colour on its way from one theme to the other is no finding
  const still = new CSSStyleSheet()
  still.replaceSync('*, ::before, ::after { transition: none !important }')
  document.adoptedStyleSheets = [still]
  document.documentElement.setAttribute('data-mantine-color-scheme', theme)
  return (await axe.run(document, { resultTypes: ['violations'] })).violations
}"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskProcess]:
    """One desk for all pages."""
    desk = DeskProcess(tmp_path_factory.mktemp("accessibility") / "data", "--feed", "simulated", "--no-demo")
    yield desk
    desk.end()


@pytest.fixture
def check(page: Page) -> Callable[[], None]:
    """Fail with every violation on the page as it is now, in both themes."""
    if not AXE.exists():
        pytest.skip("needs axe-core, which `make setup` installs into web/node_modules")
    script = AXE.read_text(encoding="utf-8")

    def run() -> None:
        page.evaluate(script)  # the page's own policy forbids a script element
        for theme in THEMES:
            found: list[Any] = page.evaluate(_RUN, theme)
            assert [_sentence(violation) for violation in found] == [], f"in the {theme} theme"

    return run


def _sentence(violation: dict[str, Any]) -> str:
    nodes = "\n".join(
        f"    {' '.join(map(str, node['target']))}: {(node['any'] or node['all'] or node['none'])[0]['message']}"
        for node in violation["nodes"][:6]
    )
    return f"{violation['id']} ({violation['impact']}), {len(violation['nodes'])} times: {violation['help']}\n{nodes}"


def test_the_live_session_is_accessible(
    desk: DeskProcess, start_busy: Callable[..., str], page: Page, check: Callable[[], None]
) -> None:
    session_id = start_busy(desk)
    page.goto(f"{desk.url}/sessions/{session_id}")
    for panel in ("signals", "transitions", "orders", "fills", "positions"):
        expect(page.get_by_test_id(f"panel-{panel}").get_by_test_id("row").first).to_be_visible(timeout=20_000)
    page.get_by_test_id("panel-transitions").get_by_test_id("row").first.get_by_role("button").click()
    check()
    page.get_by_test_id("stop-session").click()
    expect(page.get_by_test_id("stop-close")).to_be_visible()
    check()
    desk.post(f"/api/sessions/{session_id}/emergency-stop")


def test_the_list_of_sessions_is_accessible(desk: DeskProcess, page: Page, check: Callable[[], None]) -> None:
    desk.post("/api/sessions", {"strategies": ["pump-peak-short"], "symbols": ["BTCUSDT.SIMULATED"]})
    page.goto(f"{desk.url}/sessions")
    expect(page.get_by_test_id("panel-sessions").get_by_test_id("row").first).to_be_visible(timeout=10_000)
    check()


def test_the_page_of_a_failed_session_is_accessible(desk: DeskProcess, page: Page, check: Callable[[], None]) -> None:
    failed = desk.post("/api/sessions", {"strategies": ["pump-peak-short"], "symbols": ["BTCUSDT.SIMULATED"]}).json()
    page.goto(f"{desk.url}/sessions/{failed['session_id']}")
    expect(page.get_by_test_id("status-hero")).to_have_attribute("data-state", "failed", timeout=10_000)
    check()


def test_the_connections_page_is_accessible(desk: DeskProcess, page: Page, check: Callable[[], None]) -> None:
    page.goto(f"{desk.url}/connections")
    expect(page.get_by_test_id("panel-live-connections").get_by_test_id("row").first).to_be_visible(timeout=10_000)
    check()
    page.reload()
    page.get_by_test_id("frames-toggle").click()
    for panel in ("raw-frames", "live-connections", "ended-connections"):
        row = page.get_by_test_id(f"panel-{panel}").get_by_test_id("row").last
        row.get_by_role("button").first.click(timeout=10_000)
    page.get_by_test_id("frames-toggle").click()
    check()


def test_the_storage_page_is_accessible_without_a_copy(
    desk: DeskProcess, page: Page, check: Callable[[], None]
) -> None:
    page.goto(f"{desk.url}/storage")
    expect(page.get_by_text("This desk keeps no copy in QuestDB")).to_be_visible(timeout=10_000)
    check()


def test_the_storage_page_is_accessible_with_a_copy_that_is_well_and_one_that_is_gone(
    run_desk: Callable[..., DeskProcess], page: Page, check: Callable[[], None], quest_server: QuestServer
) -> None:
    desk = run_desk("--feed", "simulated", "--store", quest_server.store)
    page.goto(f"{desk.url}/storage")
    expect(page.locator(".storage-head[data-state=live]")).to_be_visible(timeout=20_000)
    check()
    quest_server.kill()
    expect(page.locator(".storage-head[data-state=unreachable]")).to_be_visible(timeout=20_000)
    check()


def test_the_start_dialog_is_accessible(desk: DeskProcess, page: Page, check: Callable[[], None]) -> None:
    page.goto(f"{desk.url}/sessions")
    page.get_by_test_id("start-session").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("input[name=strategy]").first).to_be_visible(timeout=10_000)
    dialog.get_by_test_id("start-submit").click()
    expect(dialog.get_by_test_id("error-strategies")).to_be_visible()
    check()
