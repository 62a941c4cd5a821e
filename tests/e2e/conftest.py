"""What the browser tests share: desks started from the installed wheel, an exchange, and one browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from papertape.testkit.processes import DeskProcess, Process, papertape_command
from papertape.testkit.shared_data import shared_data

_SHOTS = Path(__file__).resolve().parents[2] / "test-results" / "screenshots"
_CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


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
    path = os.environ.get("PAPERTAPE_CHROMIUM") or shutil.which("chromium")
    if not path:
        pytest.fail("No Chromium was found; `make test` installs it, or put `chromium` on the PATH.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page; every error of the page's console fails the test."""
    context = browser.new_context(viewport={"width": 1600, "height": 1400}, reduced_motion="reduce")
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
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
