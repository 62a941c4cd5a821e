"""A Chromium of our own process, which treats hidden tabs, frozen pages and the way back as a user's browser does.

Playwright's own launch keeps every page visible and its timers quick, and switches the back-forward cache off. Connect
to `endpoint` with `connect_over_cdp(endpoint, no_defaults=True)` and use the default context: there a tab that another
tab covers is hidden, its timers are throttled, and `Page.setWebLifecycleState` freezes it.
"""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

from papertape.testkit.processes import Process

CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

HIDE_DELAY_S = 10
"""Seconds that a tab is hidden before its timers fire once a minute; Chromium's own default is ten minutes."""


class ChromiumProcess:
    """A headless Chromium on a profile of its own in `folder`."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._process = Process(
            chromium_path(), "--headless=new", *CHROMIUM_ARGUMENTS, "--remote-debugging-port=0",
            f"--user-data-dir={folder / 'profile'}", "--disable-logging",
            f"--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/{HIDE_DELAY_S}",
            *arguments, "about:blank", cwd=folder,
        )  # fmt: skip
        self.endpoint = self._process.wait_for(r"DevTools listening on (ws://\S+)").group(1)

    def end(self) -> None:
        """End the browser and its children."""
        self._process.end(signal.SIGTERM)


def chromium_path() -> str:
    """Return the browser that `PAPERTAPE_CHROMIUM` names, else the one on the PATH."""
    path = os.environ.get("PAPERTAPE_CHROMIUM") or shutil.which("chromium")
    if not path:
        raise AssertionError("No Chromium was found; `make test` installs it, or put `chromium` on the PATH.")
    return path
