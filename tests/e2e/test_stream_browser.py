"""What a real browser does to a stream: a blocked thread, a hidden tab, a frozen page, the way back, many draws."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect

from papertape.testkit.chromium import ChromiumProcess
from papertape.testkit.processes import DeskProcess

_ROW = "[data-testid=panel-transitions] [data-testid=row]"
_NEWEST = f"Number(document.querySelector('{_ROW}')?.dataset.key)"
_BLOCK = "ms => { const end = performance.now() + ms; while (performance.now() < end); }"
_LISTEN = """() => {
  globalThis.turns = 0
  setInterval(() => { globalThis.turns += 1 }, 100)
  globalThis.seen = []
  for (const what of ['visibilitychange', 'freeze', 'resume']) document.addEventListener(what, () => seen.push(what))
  addEventListener('pageshow', (event) => seen.push(event.persisted ? 'restored' : 'loaded'))
}"""
_DRAW = """async count => {
  const buttons = document.querySelectorAll('[data-testid=naming-switch] button')
  for (let i = 0; i < count; i += 1) {
    buttons[i % 2].click()
    await new Promise((next) => setTimeout(next))
  }
}"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskProcess]:
    """One desk for all pages."""
    desk = DeskProcess(tmp_path_factory.mktemp("browsers") / "data", "--feed", "simulated", "--no-demo")
    yield desk
    desk.end()


@pytest.fixture(scope="module")
def users_browser(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A Chromium whose covered tabs are hidden, which the tests' own never does."""
    chromium = ChromiumProcess(tmp_path_factory.mktemp("chromium"))
    connected = browser.browser_type.connect_over_cdp(chromium.endpoint, no_defaults=True)
    yield connected
    connected.close()
    chromium.end()


class SessionPage:
    """The page of a session whose facts never stop, in the user's browser, with every stream socket it opens."""

    def __init__(self, page: Page, desk: DeskProcess, session_id: str) -> None:
        self.page = page
        self.sockets: list[str] = []
        self._desk = desk
        self._session_id = session_id
        self.devtools: CDPSession = page.context.new_cdp_session(page)
        self.devtools.on("Network.webSocketCreated", lambda event: self.sockets.append(event["url"]))
        self.devtools.send("Network.enable")
        page.goto(f"{desk.url}/sessions/{session_id}")
        self.expect_live()
        expect(page.locator(_ROW).first).to_be_visible(timeout=20_000)
        page.evaluate(_LISTEN)

    def expect_live(self) -> None:
        """Wait until the page is live over WebSocket."""
        badge = self.page.get_by_test_id("connection-badge")
        expect(badge).to_have_attribute("data-state", "live", timeout=20_000)
        expect(badge).to_have_attribute("data-transport", "websocket")

    def expect_fresh_and_whole(self) -> None:
        """Wait for the newest fact the desk has now, and compare every row in view with the desk's list."""
        stored = [fact["seq"] for fact in self._facts(1)]
        self.page.wait_for_function(f"seq => {_NEWEST} >= seq", arg=stored[0], timeout=20_000)
        shown = [int(key) for key in self.page.eval_on_selector_all(_ROW, "rows => rows.map((row) => row.dataset.key)")]
        assert shown == [fact["seq"] for fact in self._facts(1000) if shown[-1] <= fact["seq"] <= shown[0]]

    def reconnects(self) -> int:
        """Return how often the page was welcomed again."""
        return int(self.page.get_by_test_id("connection-badge").get_attribute("data-reconnects") or 0)

    def records(self, kind: str) -> list[dict[str, Any]]:
        """Return the desk's records of this tab, `live` or `ended`."""
        tab = self.page.evaluate("sessionStorage.getItem('papertape.tab')")
        return [record for record in self._desk.get("/api/connections")[kind] if record["tab"] == tab]

    def _facts(self, limit: int) -> list[dict[str, Any]]:
        path = f"/api/sessions/{self._session_id}/transitions?limit={limit}&newest_first=true"
        return list(self._desk.get(path)["items"])


@pytest.fixture
def session(desk: DeskProcess, users_browser: Browser, start_busy: Callable[..., str]) -> Iterator[SessionPage]:
    """Open the page; its session is stopped after the test."""
    session_id = start_busy(desk)
    page = users_browser.contexts[0].new_page()
    yield SessionPage(page, desk, session_id)
    page.close()
    desk.post(f"/api/sessions/{session_id}/emergency-stop")


def test_a_thread_blocked_for_five_seconds_costs_no_connection_and_no_fact(session: SessionPage) -> None:
    session.page.evaluate(_BLOCK, 5_000)
    session.expect_fresh_and_whole()
    assert (len(session.sockets), session.reconnects(), session.records("ended")) == (1, 0, [])


def test_a_hidden_tab_keeps_its_connection_and_is_fresh_when_shown(session: SessionPage) -> None:
    cover = session.page.context.new_page()
    cover.bring_to_front()
    session.page.wait_for_function("document.visibilityState === 'hidden'", polling=100)
    before = session.page.evaluate("turns")
    cover.wait_for_timeout(4_000)
    assert session.page.evaluate("turns") - before <= 6, "the tab's timers are not throttled"
    session.page.bring_to_front()
    cover.close()
    session.expect_fresh_and_whole()
    assert session.page.evaluate("seen") == ["visibilitychange", "visibilitychange"]
    assert (len(session.sockets), session.reconnects(), session.records("ended")) == (1, 0, [])


def test_a_frozen_page_whose_socket_the_browser_takes_is_back_at_once(session: SessionPage) -> None:
    cover = session.page.context.new_page()
    cover.bring_to_front()
    session.devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
    cover.wait_for_timeout(2_000)
    session.devtools.send("Page.setWebLifecycleState", {"state": "active"})
    session.page.bring_to_front()
    cover.close()
    session.expect_live()
    session.expect_fresh_and_whole()
    assert session.page.evaluate("seen") == ["visibilitychange", "freeze", "resume", "visibilitychange"]
    assert [record["closed_by"] for record in session.records("ended")] == ["client"] * session.reconnects()
    assert session.reconnects() <= 1
    assert len(session.records("live")) == 1


def test_a_page_kept_for_the_way_back_connects_when_it_is_shown_again(session: SessionPage) -> None:
    session.page.goto("about:blank")
    session.page.go_back(wait_until="commit")
    session.expect_live()
    session.expect_fresh_and_whole()
    assert session.page.evaluate("globalThis.seen?.at(-1)") == "restored", "Chromium did not keep the page"
    assert len(session.records("live")) == 1
    [left] = session.records("ended")
    assert (left["closed_by"], left["code"]) == ("client", 1000)


def test_fifty_draws_and_six_changes_of_page_need_one_socket(session: SessionPage) -> None:
    session.page.evaluate(_DRAW, 50)
    for _ in range(2):
        for name in ("Sessions", "Connections", "Storage"):
            session.page.get_by_role("link", name=name, exact=True).click()
    session.page.evaluate("history.go(-6)")
    session.expect_live()
    session.expect_fresh_and_whole()
    assert (len(session.sockets), len(session.records("live")), session.records("ended")) == (1, 1, [])


# The connections page


def test_the_page_shows_both_stories_of_a_cut_and_the_frames_of_its_own_wire(
    desk: DeskProcess, page: Page, routed_stream: Any, shoot: Callable[[str], None]
) -> None:
    page.goto(f"{desk.url}/connections")
    expect(page.get_by_test_id("panel-live-connections")).to_contain_text("this tab", timeout=10_000)
    routed_stream.cut_and_wait()
    rows = page.get_by_test_id("panel-ended-connections").get_by_test_id("row")
    ended = rows.filter(has_text="code 3000").first
    ended.get_by_role("button").click()
    for words in ("The desk's account", "The page's account", "Tries until it was back"):
        expect(ended).to_contain_text(words, timeout=10_000)

    frames = page.get_by_test_id("panel-raw-frames")
    expect(frames).to_contain_text("Nothing is watched yet")
    frames.get_by_test_id("frames-toggle").click()
    frames.get_by_label("Kind of message").select_option("hello")
    hello = frames.get_by_test_id("row").first
    expect(hello).to_contain_text("↑ out", timeout=5_000)
    hello.get_by_role("button").first.click()
    expect(hello.locator("pre")).to_contain_text('"batch": true')
    expect(hello.locator("pre")).to_contain_text('"prev"')
    frames.get_by_test_id("frames-toggle").click()
    expect(frames).to_contain_text("paused")
    expect(page.get_by_test_id("worst-lag")).to_contain_text("ms")
    shoot("connections")


def test_a_page_on_a_fallback_says_why_and_tries_websocket_when_asked(
    desk: DeskProcess, page: Page, routed_stream: Any
) -> None:
    routed_stream.is_refused = True
    page.goto(f"{desk.url}/connections")
    note = page.get_by_test_id("fallback-note")
    expect(note).to_contain_text("event stream carries the data", timeout=20_000)
    expect(note).to_contain_text("WebSocket is tried again in")
    routed_stream.is_refused = False
    page.get_by_test_id("try-websocket").click()
    badge = page.get_by_test_id("connection-badge")
    expect(badge).to_have_attribute("data-transport", "websocket", timeout=10_000)
    expect(note).to_be_hidden()
