"""What the browser tests share: desks started from the installed wheel, an exchange, and one browser."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
SHOTS = ROOT / "test-results" / "screenshots"
_CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_FRAMES = ROOT.parent / "shared" / "data" / "binance-raw-ws-2024-08" / "raw"


class Process:
    """A child process whose standard output is read line by line."""

    def __init__(self, *command: str, cwd: Path) -> None:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": "300", "NO_COLOR": "1"}
        self._child = subprocess.Popen(
            command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.said: list[str] = []

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Read until a line matches; fail with everything that was said when the process ends first."""
        assert self._child.stdout is not None
        for line in self._child.stdout:
            self.said.append(line)
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"the process ended without saying {pattern!r}; it said:\n{''.join(self.said)}")

    def end(self, how: signal.Signals = signal.SIGINT) -> int:
        """Send a signal and return the exit status; what is still said is kept."""
        if self._child.poll() is None:
            self._child.send_signal(how)
        rest, _ = self._child.communicate(timeout=40)
        self.said.append(rest or "")
        return self._child.returncode


class DeskProcess:
    """A running `papertape run` on its own data folder, with its HTTP interface at hand."""

    def __init__(self, data_dir: Path, *options: str) -> None:
        self._options = ("run", "--port", "0", "--data-dir", str(data_dir), *options)
        self.data_dir = data_dir
        self.start()

    def start(self) -> None:
        """Start the desk and wait until it answers."""
        self.process = Process(papertape_command(), *self._options, cwd=self.data_dir.parent)
        self.url = self.process.wait_for(r"running at (http://\S+)").group(1)
        self.http = httpx.Client(base_url=self.url, timeout=30)

    def get(self, path: str) -> Any:
        """Return a JSON answer, failing on any error status."""
        answer = self.http.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Send a state-changing request."""
        return self.http.post(path, json=body, headers=headers)

    def end(self, how: signal.Signals = signal.SIGINT) -> int:
        """End the desk and return its exit status."""
        self.http.close()
        return self.process.end(how)


def papertape_command() -> str:
    """Return the command under test: the installed wheel's, or this environment's where none is given."""
    return os.environ.get("PAPERTAPE_BIN") or str(Path(sys.executable).parent / "papertape")


@pytest.fixture
def run_desk(tmp_path: Path) -> Iterator[Any]:
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
def run_exchange(tmp_path: Path) -> Iterator[Any]:
    """Start an exchange that plays the recorded Binance frames; skip with a sentence when they are absent."""
    if not _FRAMES.exists():
        pytest.skip("needs the recorded Binance frames of the shared market data, which are not beside this checkout")
    exchanges: list[Process] = []

    def run(*options: str) -> str:
        python = str(Path(papertape_command()).parent / "python")
        exchange = Process(
            python, "-m", "papertape.testkit.exchange_server", "--frames", str(_FRAMES), "--port", "0", *options,
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


def shoot(page: Page, name: str) -> None:
    """Keep a screenshot of the whole page among the test results."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png", full_page=True)
