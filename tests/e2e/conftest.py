"""What the browser tests share: desks started from the installed wheel, an exchange, and one browser."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect, sync_playwright

from papertape.testkit.busy_session import start_busy_session
from papertape.testkit.chromium import CHROMIUM_ARGUMENTS, chromium_path
from papertape.testkit.processes import DeskProcess, Process, papertape_command
from papertape.testkit.shared_data import shared_data

_SHOTS = Path(__file__).resolve().parents[2] / "test-results" / "screenshots"


@pytest.fixture
def run_desk(tmp_path: Path) -> Iterator[Callable[..., DeskProcess]]:
    """Start desks; each is ended after the test."""
    desks: list[DeskProcess] = []

    def run(*options: str, folder: str = "data") -> DeskProcess:
        desk = DeskProcess(tmp_path / folder, *options)
        desks.append(desk)
        return desk

    yield run
    for desk in desks:
        desk.end()


@pytest.fixture
def run_exchange(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Start an exchange that plays the recorded Binance frames; skip with a sentence when they are absent."""
    frames = shared_data("binance-raw-ws-2024-08/raw")
    exchanges: list[Process] = []

    def run(*options: str) -> str:
        python = str(Path(papertape_command()).parent / "python")
        exchange = Process(
            python, "-m", "papertape.testkit.exchange_server", "--frames", str(frames), "--port", "0", *options,
            cwd=tmp_path,
        )  # fmt: skip
        exchanges.append(exchange)
        return exchange.wait_for(r"(ws://\S+,http://\S+)").group(1)

    yield run
    for exchange in exchanges:
        exchange.end()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One headless Chromium for all tests."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=[*CHROMIUM_ARGUMENTS])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page; every error of the page's console fails the test."""
    context = browser.new_context(viewport={"width": 1600, "height": 1400}, reduced_motion="reduce")
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(error.stack or str(error)))
    yield page
    context.close()
    assert errors == []


@pytest.fixture
def shoot(page: Page) -> Callable[[str], None]:
    """Keep a screenshot of the whole page among the test results."""

    def keep(name: str) -> None:
        _SHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=_SHOTS / f"{name}.png", full_page=True)

    return keep


@pytest.fixture
def start_busy() -> Callable[..., str]:
    """Start a session whose facts never stop (`hold_s` a position), on three simulated symbols; return its id."""
    return start_busy_session


class RoutedStream:
    """The page's WebSocket, which a test lets through, refuses, or cuts."""

    def __init__(self, page: Page) -> None:
        self.is_refused = False
        self.opened = 0
        self._page = page
        self._live: list[tuple[WebSocketRoute, WebSocketRoute]] = []
        page.route_web_socket("**/api/stream", self._open)

    def _open(self, ours: WebSocketRoute) -> None:
        if self.is_refused:
            ours.close(code=3000, reason="refused by the test")
            return
        self.opened += 1
        self._live.append((ours, ours.connect_to_server()))

    def cut(self) -> None:
        """Break the connection on both sides, without a goodbye of the desk."""
        for ours, theirs in self._live:
            theirs.close(code=3000, reason="cut by the test")
            ours.close(code=3000, reason="cut by the test")
        self._live.clear()

    def cut_and_wait(self) -> None:
        """Cut, and wait until the page is live again over WebSocket.

        A connection that lives less than 10 s counts as failed, so the page soon carries on by a fallback and would
        probe WebSocket on a schedule of minutes; word that the machine is online again makes it probe at once.
        """
        opened = self.opened
        self.cut()
        badge = self._page.get_by_test_id("connection-badge")
        expect(badge).to_have_attribute("data-state", re.compile("live|polling"), timeout=20_000)
        if badge.get_attribute("data-transport") != "websocket":
            self._page.evaluate("window.dispatchEvent(new Event('online'))")
        expect(badge).to_have_attribute("data-state", "live", timeout=20_000)
        assert self.opened > opened


@pytest.fixture
def routed_stream(page: Page) -> RoutedStream:
    """The page's WebSocket in the test's hands; ask for it before the page is opened."""
    return RoutedStream(page)


@pytest.fixture
def facts_on_page(page: Page, tmp_path: Path) -> Callable[[str], list[int]]:
    """Return the seqs a panel holds, newest first, in view or not: what its export saves."""

    def read(panel: str) -> list[int]:
        with page.expect_download() as download:
            page.get_by_test_id(panel).get_by_role("button", name="CSV").click()
        target = tmp_path / f"{panel}.csv"
        download.value.save_as(target)
        with target.open(newline="", encoding="utf-8-sig") as file:
            return [int(row["seq"]) for row in csv.DictReader(file)]

    return read


@pytest.fixture
def expect_facts_once(facts_on_page: Callable[[str], list[int]]) -> Callable[..., None]:
    """Compare the page's transitions and signals with the desk's: each there exactly once, in order.

    A page that was opened late (`is_late`) begins with the newest facts of a snapshot.
    """

    def compare(desk: DeskProcess, session_id: str, *, is_late: bool = False) -> None:
        for topic in ("transitions", "signals"):
            shown = facts_on_page(f"panel-{topic}")
            listed = desk.get(f"/api/sessions/{session_id}/{topic}?limit=10000&newest_first=true")["items"]
            oldest = shown[-1] if is_late else 0
            stored = [fact["seq"] for fact in listed if oldest <= fact["seq"] <= shown[0]]
            assert shown == stored, f"{topic}: the page and the desk differ"

    return compare
