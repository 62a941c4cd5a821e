"""A paper session whose facts never stop, started on a running desk, and what the desk's journal has of it."""

from __future__ import annotations

from papertape.testkit.processes import DeskProcess
from papertape.wire.topics import FACT_TABLES

BUSY = """
name: busy
title: In and out all the time
description: Enters as soon as there is a quote and leaves after a moment, so that facts never stop.
indicators:
  spread: {kind: spread_pct, name: spread}
sections:
  S1:
    conditions: [{indicator: spread, op: ">=", threshold: 0}]
  O1:
    timeout: 30s
  Z1:
    conditions: [{indicator: spread, op: ">=", threshold: 0}]
    order: {side: long, type: market, size: {quote: 500}, stop_loss_pct: 50}
  ZE1:
    conditions: [{indicator: position_age_s, op: ">=", threshold: %(hold_s)d}]
cooldown: {after_exit: 1s, after_loss: 1s, after_cancel: 1s}
limits: {max_daily_loss_pct: 90, max_trades_per_day: 10000}
"""
SYMBOLS = ("BTCUSDT-PERP.SIMULATED", "MOONUSDT-PERP.SIMULATED", "PUMPUSDT-PERP.SIMULATED")

_PAGE = 1_000
_PATHS = {"session": "events"}


def start_busy_session(desk: DeskProcess, hold_s: int = 2) -> str:
    """Start it on three simulated symbols, `hold_s` a position; return its id."""
    saved = desk.post("/api/strategies", {"text": BUSY % {"hold_s": hold_s}})
    assert saved.status_code == 201, saved.text
    started = desk.post("/api/sessions", {"strategies": ["busy"], "symbols": list(SYMBOLS)})
    assert started.status_code == 201, started.text
    return str(started.json()["session_id"])


def journal_seqs(desk: DeskProcess, session_id: str) -> dict[str, list[int]]:
    """Return the seqs of every fact the journal has of a session, by topic."""
    return {f"session/{session_id}/{name}": [*journal_facts(desk, session_id, name)] for name in FACT_TABLES}


def journal_facts(desk: DeskProcess, session_id: str, name: str) -> dict[int, object]:
    """Return every fact the journal has of a session on one topic, by seq, as the desk's HTTP interface answers."""
    path = f"/api/sessions/{session_id}/{_PATHS.get(name, name)}"
    facts: dict[int, object] = {}
    after: int | None = 0
    while after is not None:
        page = desk.get(f"{path}?limit={_PAGE}&after={after}")
        facts |= {fact["seq"]: fact for fact in page["items"]}
        after = page["next_after"]
    return facts
