"""Measure from a tick's reception to its price on the screen, in a real browser, on the simulated market. Prints JSON.

A desk of this checkout runs on its own data folder; the page notes when each price cell changes (after layout, before
paint) and which message brought that price. On the way: the first paint, and the size of scripts and styles that the
page has loaded, charts included.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page, sync_playwright

from papertape.testkit.chromium import CHROMIUM_ARGUMENTS, chromium_path
from papertape.testkit.processes import DeskProcess

_COUNTED = (".js", ".css")

_PROBE = """
window.__ticks = []; window.__seen = [];
const Original = window.WebSocket;
window.WebSocket = class extends Original {
  constructor(...all) {
    super(...all);
    this.addEventListener('message', (event) => {
      for (const message of [JSON.parse(event.data)].flat()) {
        if (message.t !== 'pub' || !message.topic.endsWith('/watchlist')) continue;
        for (const row of Object.values(message.data)) window.__ticks.push([row.key, row.recv_ts / 1000, row.last]);
      }
    });
  }
};
"""

_OBSERVE = """
() => {
  const panel = document.querySelector('[data-testid=panel-watchlist]');
  new MutationObserver((changes) => {
    const now = performance.timeOrigin + performance.now();
    const keys = new Set();
    for (const change of changes) {
      const row = (change.target.nodeType === 1 ? change.target : change.target.parentElement)?.closest('[data-key]');
      if (row) keys.add(row.dataset.key);
    }
    for (const key of keys) {
      const newest = window.__ticks.findLast((tick) => tick[0] === key);
      if (newest && newest !== window["__last_" + key]) {
        window["__last_" + key] = newest;
        window.__seen.push(now - newest[1]);
      }
    }
  }).observe(panel, { subtree: true, characterData: true, childList: true });
}
"""


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        desk = DeskProcess(Path(folder) / "data", "--feed", "simulated")
        try:
            figures = _measure(desk, arguments.seconds)
        finally:
            desk.end()
    json.dump({**figures, "machine": f"{platform.machine()}, {os.cpu_count()} cores, loopback"}, sys.stdout, indent=2)
    sys.stdout.write("\n")


def _measure(desk: DeskProcess, seconds: float) -> dict[str, Any]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=[*CHROMIUM_ARGUMENTS])
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        page.add_init_script(_PROBE)
        page.goto(desk.url)
        page.locator("[data-testid=panel-watchlist] [data-key]").first.wait_for()
        page.evaluate(_OBSERVE)
        page.wait_for_timeout(seconds * 1000)
        latencies = sorted(page.evaluate("() => window.__seen"))
        paint = page.evaluate("() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime")
        result = {
            "what": "milliseconds from a tick's reception to its price in the page",
            "ticks_shown": len(latencies),
            "p50_ms": _quantile(latencies, 0.5),
            "p99_ms": _quantile(latencies, 0.99),
            "worst_ms": round(latencies[-1], 1),
            "first_contentful_paint_ms": round(paint),
            "page_gzip_kb": _page_size(desk, page),
            "desk_memory_mb": round(desk.memory_mb()),
        }
        browser.close()
    return result


def _page_size(desk: DeskProcess, page: Page) -> float:
    urls = page.evaluate(
        "() => [...document.querySelectorAll('script[src], link[rel=stylesheet], link[rel=modulepreload]')]"
        ".map((one) => one.src || one.href)"
    )
    wanted = {url for url in urls if url.startswith(desk.url) and url.split("?")[0].endswith(_COUNTED)}
    return round(sum(len(gzip.compress(httpx.get(url).content)) for url in wanted) / 1000, 1)


def _quantile(values: list[float], share: float) -> float:
    return round(values[min(len(values) - 1, int(len(values) * share))], 1)


if __name__ == "__main__":
    main()
