"""The seven points, on recorded real frames through the real adapter over a real socket, in a real browser."""

from __future__ import annotations

import re
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from papertape.testkit.processes import DeskProcess, papertape_command

STRATEGY = """
name: brisk-trades
title: Buy into brisk trading
description: Finds a burst of trades, buys when the spread is tight, leaves after a few seconds.
indicators:
  rate: {kind: trade_rate, params: {t1: 10}, name: trades a second}
  rise: {kind: pump_magnitude_pct, params: {t1: 30}, name: rise from the low of 30 s}
  spread: {kind: spread_pct, name: spread}
sections:
  S1:
    name: brisk trading
    conditions: [{indicator: rate, op: ">=", threshold: 3}]
  O1:
    timeout: 30s
  Z1:
    name: a tight spread
    conditions: [{indicator: spread, op: "<=", threshold: 0.05}]
    order: {side: long, type: market, size: {quote: 1000}, stop_loss_pct: 1, take_profit_pct: 2}
  ZE1:
    conditions: [{indicator: position_age_s, op: ">=", threshold: 8}]
  E1:
    conditions: [{indicator: unrealized_pnl_pct, op: "<=", threshold: -0.5}]
cooldown: {after_exit: 5s}
"""
SYMBOLS = ["BTCUSDT.BINANCE", "ETHUSDT.BINANCE", "BTCUSDT-PERP.BINANCE"]
"""Spot and USD-M, as recorded."""


@pytest.fixture
def live(
    run_exchange: Callable[..., str], run_desk: Callable[..., DeskProcess], page: Page
) -> tuple[DeskProcess, str, Page]:
    """A session on the recorded frames, shown in the browser."""
    desk = run_desk("--feed", "binance", "--venue-url", f"binance={run_exchange()}", "--no-demo")
    assert desk.post("/api/strategies", {"text": STRATEGY}).status_code == 201
    started = desk.post(
        "/api/sessions", {"strategies": ["brisk-trades"], "symbols": SYMBOLS}, **{"Idempotency-Key": "e2e"}
    )
    assert started.status_code == 201
    assert started.json()["mode"] == "PAPER"
    session_id = started.json()["session_id"]
    page.goto(f"{desk.url}/sessions/{session_id}")
    return desk, session_id, page


def rows(page: Page, panel: str) -> Any:
    """Return the rows of a panel."""
    return page.get_by_test_id(panel).get_by_test_id("row")


def test_all_seven_points_hold_on_recorded_real_frames(
    live: tuple[DeskProcess, str, Page], shoot: Callable[[str], None]
) -> None:
    desk, session_id, page = live
    api = f"/api/sessions/{session_id}"

    # 3 State Machine Overview: every strategy × symbol, from the first moment
    expect(rows(page, "panel-state-machines")).to_have_count(3, timeout=10_000)
    state = desk.get(f"{api}/state")
    assert sorted(item["instrument"] for item in state["instances"]) == sorted(SYMBOLS)
    assert all(item["is_active"] for item in state["instances"])

    # 4 Symbol Watchlist: every symbol, with its price
    expect(rows(page, "panel-watchlist")).to_have_count(3)
    for symbol in SYMBOLS:
        expect(page.locator(f"[data-testid=panel-watchlist] [data-key='{symbol}']")).to_contain_text(
            re.compile(r"\d"), timeout=10_000
        )
    expect(page.get_by_test_id("status-hero")).to_contain_text("running", timeout=15_000, ignore_case=True)

    # 5 Indicator Values: values, or the reason why not
    expect(rows(page, "panel-indicators")).to_have_count(3)
    for item in desk.get(f"{api}/indicators")["items"]:
        assert item["value"] is not None or item["reason"]

    # 6 Condition Progress: every section
    conditions = page.get_by_test_id("panel-conditions")
    for word in ("Found", "False alarm", "Enter", "Take profit", "Stop loss"):
        expect(conditions).to_contain_text(word)

    # 1 signals: at least one section fired; the endpoint gives each with its side
    expect(rows(page, "panel-signals").first).to_be_visible(timeout=30_000)
    signals = desk.get(f"{api}/signals")
    assert signals["items"]
    assert all("side" in signal for signal in signals["items"])
    entry = next(signal for signal in signals["items"] if signal["section"] == "Z1")
    assert (entry["side"], entry["outcome"]) == ("buy", "accepted")
    assert [reading["label"] for reading in entry["trace"]]

    # the trace of a transition is shown
    expect(rows(page, "panel-transitions").first).to_be_visible()
    rows(page, "panel-transitions").first.get_by_role("button").first.click()
    expect(page.get_by_test_id("panel-transitions")).to_contain_text(
        re.compile("trades a second|spread|entry has filled")
    )

    # 7 pre-flight
    preflight = desk.get(f"{api}/preflight")["items"][0]
    assert preflight["status"] == "ok", preflight
    expect(page.get_by_test_id("panel-preflight")).to_contain_text("Data is being written to the store")

    # 2 the stream: live over WebSocket, never reconnected
    badge = page.get_by_test_id("connection-badge")
    expect(badge).to_have_attribute("data-transport", "websocket")
    expect(badge).to_have_attribute("data-reconnects", "0")

    assert page.get_by_text("--", exact=True).count() == 0
    shoot("seven-points-dark")
    page.get_by_test_id("theme-switch").click()
    shoot("seven-points-light")


def test_a_backtest_over_the_tape_gives_the_same_facts_byte_for_byte(live: tuple[DeskProcess, str, Page]) -> None:
    desk, session_id, page = live
    expect(rows(page, "panel-fills").first).to_be_visible(timeout=30_000)
    desk.post(f"/api/sessions/{session_id}/stop", {"close_positions": True})
    expect(page.get_by_test_id("status-hero")).to_contain_text("stopped", timeout=20_000, ignore_case=True)
    said = subprocess.run(
        [papertape_command(), "replay", session_id, "--data-dir", str(desk.data_dir), "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert '"difference":null' in said.stdout, said.stdout + said.stderr
    assert desk.post(f"/api/sessions/{session_id}/stop", {"close_positions": True}).status_code == 409
    assert rows(page, "panel-watchlist").count() == 3


def test_the_signals_endpoint_answers_on_a_database_whose_table_lacks_side(
    run_desk: Callable[..., DeskProcess],
) -> None:
    desk = run_desk("--feed", "simulated")
    session_id = desk.get("/api/sessions")["items"][0]["session_id"]
    desk.end()
    with closing(sqlite3.connect(desk.data_dir / "papertape.sqlite3")) as database:
        database.execute("ALTER TABLE signals DROP COLUMN side")
    desk.start()
    signals = desk.get(f"/api/sessions/{session_id}/signals")["items"]
    assert all("side" in signal for signal in signals)
    with closing(sqlite3.connect(desk.data_dir / "papertape.sqlite3")) as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(signals)")]
    assert "side" in columns
