"""Where everything is kept, as a trader meets it: the copy in QuestDB well, lost and drifted apart, and a recording."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from papertape.testkit.processes import DeskProcess
from papertape.testkit.questdb_server import QuestServer

_SOON = 20_000


def expect_state(page: Page, state: str) -> None:
    """Wait until the storage page says how the copy is doing."""
    expect(page.get_by_test_id("panel-mirror").locator(f".storage-head[data-state={state}]")).to_be_visible(
        timeout=_SOON
    )


def signals(desk: DeskProcess, session_id: str) -> dict[str, Any]:
    """Return the page of every signal of a session."""
    page: dict[str, Any] = desk.get(f"/api/sessions/{session_id}/signals?limit=10000")
    return page


def test_a_database_that_goes_away_is_told_on_the_page_and_loses_nothing(
    run_desk: Callable[..., DeskProcess],
    start_busy: Callable[..., str],
    page: Page,
    shoot: Callable[[str], None],
    quest_server: QuestServer,
) -> None:
    desk = run_desk("--feed", "simulated", "--no-demo", "--store", quest_server.store)
    session_id = start_busy(desk)
    page.goto(f"{desk.url}/storage")
    expect_state(page, "live")
    expect(page.get_by_test_id("panel-mirror").get_by_text("indicator_values")).to_be_visible()
    shoot("storage-live")

    quest_server.kill()
    expect_state(page, "unreachable")
    expect(page.get_by_test_id("panel-mirror").get_by_text("as last seen").first).to_be_visible()
    shoot("storage-unreachable")
    before = desk.get(f"/api/sessions/{session_id}/state")["seq"]
    assert signals(desk, session_id)["source"] == "journal"

    quest_server.start()
    expect_state(page, "live")
    assert desk.get(f"/api/sessions/{session_id}/state")["seq"] > before
    stopped = desk.post(f"/api/sessions/{session_id}/stop", {"close_positions": True})
    assert stopped.status_code == 200, stopped.text
    desk.end()  # what waits is sent before the desk ends
    quest_server.wait_until_applied()
    ours = f"FROM signals WHERE session_id = '{session_id}'"
    ((count, newest),) = quest_server.execute(f"SELECT count(), max(seq) {ours}")
    desk.start()
    told = [signal["seq"] for signal in signals(desk, session_id)["items"]]
    assert (count, newest) == (len(told), max(told))


def test_suspended_tables_are_resumed_with_one_press(
    run_desk: Callable[..., DeskProcess],
    start_busy: Callable[..., str],
    page: Page,
    shoot: Callable[[str], None],
    quest_server: QuestServer,
) -> None:
    desk = run_desk("--feed", "simulated", "--no-demo", "--store", quest_server.store)
    start_busy(desk)
    page.goto(f"{desk.url}/storage")
    expect_state(page, "live")
    quest_server.execute("ALTER TABLE equity SUSPEND WAL")
    expect_state(page, "suspended")
    shoot("storage-suspended")
    page.get_by_test_id("resume-wal").click()
    expect_state(page, "live")


def test_the_signals_endpoint_answers_on_a_questdb_whose_table_lacks_side(
    run_desk: Callable[..., DeskProcess], start_busy: Callable[..., str], quest_server: QuestServer
) -> None:
    desk = run_desk("--feed", "simulated", "--no-demo", "--store", quest_server.store)
    session_id = start_busy(desk)
    desk.end()
    quest_server.wait_until_applied()
    quest_server.execute("ALTER TABLE signals DROP COLUMN side")
    desk.start()
    told = signals(desk, session_id)
    assert all("side" in signal for signal in told["items"])
    columns = [row[0] for row in quest_server.execute("SHOW COLUMNS FROM signals")]
    assert "side" in columns


def test_a_session_that_records_shows_its_symbols_and_can_only_be_stopped(
    run_desk: Callable[..., DeskProcess], page: Page, shoot: Callable[[str], None]
) -> None:
    desk = run_desk("--feed", "simulated", "--no-demo")
    symbols = ["BTCUSDT-PERP.SIMULATED", "PUMPUSDT-PERP.SIMULATED"]
    started = desk.post("/api/sessions", {"mode": "RECORD", "strategies": [], "symbols": symbols})
    assert started.status_code == 201, started.text
    page.goto(f"{desk.url}/sessions/{started.json()['session_id']}")
    expect(page.get_by_role("heading", name="Recording 2 symbols")).to_be_visible(timeout=_SOON)
    chart = page.get_by_test_id("panel-chart")
    expect(chart.get_by_label("Candles of BTCUSDT-PERP.SIMULATED")).to_be_visible()
    page.get_by_test_id("panel-watchlist").get_by_text("PUMPUSDT").click()
    expect(chart.get_by_label("Candles of PUMPUSDT-PERP.SIMULATED")).to_be_visible()
    expect(page.get_by_test_id("panel-state-machines")).to_have_count(0)
    expect(page.get_by_test_id("emergency-stop")).to_have_count(0)
    shoot("recording")
