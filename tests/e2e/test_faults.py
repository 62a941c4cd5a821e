"""What goes wrong on the desk's side: a killed process, wrong input, an absent feed, a folder that cannot be used."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from papertape.testkit.processes import DeskProcess, free_port, papertape_command

FACTS = ("transitions", "signals", "orders", "fills", "positions", "account", "equity", "alerts", "events")
PANELS = (
    "state-machines", "watchlist", "conditions", "indicators", "signals", "transitions", "orders", "fills", "positions",
    "preflight",
)  # fmt: skip
PERPETUAL = "BTCUSDT-PERP.SIMULATED"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskProcess]:
    """One desk for what does it no harm."""
    desk = DeskProcess(tmp_path_factory.mktemp("faults") / "data", "--feed", "simulated", "--no-demo")
    yield desk
    desk.end()


def all_facts(desk: DeskProcess, session_id: str) -> dict[int, Any]:
    """Return every fact that is durable now by its seq; a seq given twice fails."""
    facts: dict[int, Any] = {}
    until = desk.get(f"/api/sessions/{session_id}/state")["seq"]  # facts go on while the lists are read
    for name in FACTS:
        for fact in desk.get(f"/api/sessions/{session_id}/{name}?limit=10000")["items"]:
            assert fact["seq"] not in facts, f"fact {fact['seq']} is listed twice, the second time in {name}"
            if fact["seq"] <= until:
                facts[fact["seq"]] = fact
    return facts


def command(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the installed command to its end."""
    environment = {**os.environ, "COLUMNS": "300", "NO_COLOR": "1", "HOME": str(folder)}
    return subprocess.run(
        [papertape_command(), *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def expect_no_empty_panel(page: Page) -> None:
    """Wait until every panel of a busy session holds rows."""
    for name in PANELS:
        expect(page.get_by_test_id(f"panel-{name}").get_by_test_id("row").first).to_be_visible(timeout=15_000)


# A desk that ends


def test_a_killed_desk_goes_on_with_the_same_session_and_every_fact_and_the_open_page_comes_back(
    run_desk: Callable[..., DeskProcess], start_busy: Callable[..., str], page: Page
) -> None:
    desk = run_desk("--feed", "simulated", "--no-demo", "--port", str(free_port()))
    session_id = start_busy(desk)
    page.goto(f"{desk.url}/sessions/{session_id}")
    expect_no_empty_panel(page)
    before = all_facts(desk, session_id)

    assert desk.end(signal.SIGKILL) == -signal.SIGKILL
    badge = page.get_by_test_id("connection-badge")
    expect(badge).to_have_attribute("data-state", "offline", timeout=15_000)
    assert page.get_by_test_id("panel-signals").get_by_test_id("row").count() > 0
    desk.start()

    assert [item["session_id"] for item in desk.get("/api/sessions")["items"]] == [session_id]
    expect(page.get_by_test_id("status-hero")).to_have_attribute("data-state", "running", timeout=20_000)
    expect(badge).to_have_attribute("data-state", "live", timeout=30_000)
    expect_no_empty_panel(page)
    assert len(desk.get(f"/api/sessions/{session_id}/state")["instances"]) == 3
    # The page may be back before the session has said how long the desk was away.
    expect(page.get_by_test_id("alerts")).to_contain_text("The desk was away", timeout=20_000)
    after = all_facts(desk, session_id)
    assert {seq: after.get(seq) for seq in before} == before
    assert sorted(after) == list(range(1, max(after) + 1))
    assert "session.gap" in [fact.get("code") for fact in after.values()]
    expect(
        page.get_by_test_id("panel-signals").locator(f"[data-key='{_newest_signal(desk, session_id)}']")
    ).to_be_visible()


def _newest_signal(desk: DeskProcess, session_id: str) -> int:
    return int(desk.get(f"/api/sessions/{session_id}/signals?limit=1&newest_first=true")["items"][0]["seq"])


def test_a_killed_desk_brings_its_open_positions_and_their_stops_back(
    run_desk: Callable[..., DeskProcess], start_busy: Callable[..., str], page: Page
) -> None:
    desk = run_desk("--feed", "simulated", "--no-demo")
    session_id = start_busy(desk, hold_s=100_000)
    page.goto(f"{desk.url}/sessions/{session_id}")
    expect(page.get_by_test_id("panel-positions").get_by_test_id("row")).to_have_count(3, timeout=20_000)
    opened = _open_positions(desk, session_id)

    desk.end(signal.SIGKILL)
    desk.start()

    page.goto(f"{desk.url}/sessions/{session_id}")
    expect(page.get_by_test_id("panel-positions").get_by_test_id("close-position")).to_have_count(3, timeout=20_000)
    assert _open_positions(desk, session_id) == opened
    states = [item["state"] for item in desk.get(f"/api/sessions/{session_id}/state")["instances"]]
    assert states == ["POSITION_ACTIVE"] * 3


def _open_positions(desk: DeskProcess, session_id: str) -> list[tuple[str, ...]]:
    equity = desk.get(f"/api/dashboard/summary?session_id={session_id}")["equity"]
    names = ("position_id", "instrument", "side", "quantity", "entry_price", "stop_price")
    return sorted(tuple(str(position[name]) for name in names) for position in equity["open_positions"])


def test_an_interrupted_desk_suspends_and_the_next_start_resumes_without_a_second_demonstration(
    run_desk: Callable[..., DeskProcess], page: Page
) -> None:
    desk = run_desk("--feed", "simulated")
    [demo] = desk.get("/api/sessions")["items"]
    assert demo["mode"] == "PAPER"
    page.goto(f"{desk.url}/sessions/{demo['session_id']}")
    expect(page.get_by_test_id("status-hero")).to_have_attribute("data-state", "running", timeout=20_000)
    assert desk.end(signal.SIGINT) == 0
    desk.start()
    [resumed] = desk.get("/api/sessions")["items"]
    assert resumed["session_id"] == demo["session_id"]
    changes = desk.get(f"/api/sessions/{demo['session_id']}/events")["items"]
    assert [change["trigger"] for change in changes if change["trigger"] in ("suspend", "resume", "recover")] == [
        "suspend",
        "resume",
    ]
    facts = all_facts(desk, demo["session_id"])
    assert sorted(facts) == list(range(1, max(facts) + 1))


# A desk that cannot start


def test_a_second_desk_on_the_same_data_folder_is_refused_with_the_process_that_holds_it(
    desk: DeskProcess, tmp_path: Path
) -> None:
    said = command("run", "--port", "0", "--data-dir", str(desk.data_dir), folder=tmp_path)
    holder = (desk.data_dir / "lock").read_text().strip()
    assert (said.returncode, said.stdout) == (2, "")
    assert f"is used by another papertape desk, process {holder}" in said.stderr
    assert "Traceback" not in said.stderr


def test_a_port_that_is_taken_is_refused_with_a_sentence(desk: DeskProcess, tmp_path: Path) -> None:
    port = desk.url.rpartition(":")[2]
    said = command(
        "run", "--feed", "simulated", "--no-demo", "--port", port, "--data-dir", str(tmp_path / "other"),
        folder=tmp_path,
    )  # fmt: skip
    assert said.returncode == 2
    assert f"Port {port} on 127.0.0.1 cannot be used" in said.stderr


def test_an_address_that_others_can_reach_is_refused_with_a_sentence(tmp_path: Path) -> None:
    said = command(
        "run", "--feed", "simulated", "--no-demo", "--host", "0.0.0.0", "--port", "0",
        "--data-dir", str(tmp_path / "data"), folder=tmp_path,
    )  # fmt: skip
    assert said.returncode == 2
    assert "'0.0.0.0' is not a loopback address" in said.stderr


def test_a_file_in_place_of_the_data_folder_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    said = command("run", "--feed", "simulated", "--port", "0", "--data-dir", str(tmp_path / "data"), folder=tmp_path)
    assert said.returncode == 2
    assert "expected a folder for papertape's data" in said.stderr
    assert (tmp_path / "data").read_text() == "not a folder"


def test_a_data_folder_that_cannot_be_written_is_refused_with_a_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o500)
    if os.access(folder, os.W_OK):
        pytest.skip("this user may write anywhere, so no folder can be made unwritable here")
    said = command("run", "--feed", "simulated", "--port", "0", "--data-dir", str(folder), folder=tmp_path)
    assert said.returncode == 1
    assert "cannot be written" in said.stderr


# A desk that answers what it cannot do


def test_a_desk_whose_exchange_cannot_be_reached_starts_and_says_why_no_session_can(
    run_desk: Callable[..., DeskProcess],
) -> None:
    port = free_port()
    closed = f"binance=ws://127.0.0.1:{port},http://127.0.0.1:{port}"
    desk = run_desk("--feed", "binance", "--venue-url", closed, "--no-demo")
    answer = desk.post("/api/sessions", {"strategies": ["pump-peak-short"], "symbols": ["BTCUSDT-PERP.BINANCE"]})
    assert (answer.status_code, answer.json()["retry"]) == (503, True)
    assert answer.json()["message"].endswith(".")
    assert desk.get("/api/sessions")["items"] == []
    assert desk.get("/health")["status"] == "ok"


@pytest.mark.parametrize(
    ("change", "status", "path"),
    [
        ({"strategies": ["no-such-strategy"]}, 404, "strategies[0]"),
        ({"symbols": [PERPETUAL, "NOSUCHCOIN"]}, 400, "symbols[1]"),
        ({"symbols": []}, 400, "symbols"),
        ({"strategies": []}, 400, "strategies"),
        ({"capital": "-5"}, 400, "capital"),
        ({"capital": "much"}, 400, "capital"),
        ({"feed": "no-such-feed"}, 400, "feed"),
        ({"mode": "LIVE"}, 400, "mode"),
    ],
)
def test_a_session_that_cannot_be_started_as_asked_is_refused_with_the_place(
    desk: DeskProcess, change: dict[str, Any], status: int, path: str
) -> None:
    known = {item["session_id"] for item in desk.get("/api/sessions")["items"]}
    answer = desk.post("/api/sessions", {"strategies": ["pump-peak-short"], "symbols": [PERPETUAL], **change})
    assert (answer.status_code, answer.json()["path"]) == (status, path)
    assert answer.json()["message"].endswith(".")
    assert {item["session_id"] for item in desk.get("/api/sessions")["items"]} == known


def test_a_malformed_definition_is_refused_with_the_place(desk: DeskProcess) -> None:
    text = (
        "name: x\nindicators:\n  s: {kind: spread_pct}\nsections:\n  S1:\n"
        "    conditions: [{indicator: s, op: '>=', threshold: high}]\n"
    )
    for path in ("/api/strategies", "/api/strategies/validate"):
        answer = desk.post(path, {"text": text})
        assert (answer.status_code, answer.json()["path"]) == (400, "sections.S1.conditions[0].threshold")
    assert desk.post("/api/strategies", {"text": "a: ["}).status_code == 400
    assert "x" not in [item["name"] for item in desk.get("/api/strategies")["items"]]


@pytest.mark.parametrize("path", ["", "/state", "/signals", "/watchlist", "/bars?instrument=X&interval=60"])
def test_an_unknown_session_is_answered_with_a_sentence(desk: DeskProcess, path: str) -> None:
    answer = desk.http.get(f"/api/sessions/exec_none{path}")
    assert answer.status_code == 404
    assert "exec_none" in answer.json()["message"]


def test_a_session_refuses_the_commands_its_state_forbids(desk: DeskProcess) -> None:
    started = desk.post("/api/sessions", {"strategies": ["ema-cross"], "symbols": ["BTCUSDT.SIMULATED"]})
    at = f"/api/sessions/{started.json()['session_id']}"
    resumed = desk.post(f"{at}/resume")
    assert resumed.status_code == 409
    assert "pause-entries" in resumed.json()["message"]
    assert desk.post(f"{at}/positions/BTCUSDT.SIMULATED/close").status_code == 404
    assert desk.post(f"{at}/emergency-stop").status_code == 200
    desk_state = desk.get(at)["state"]
    assert desk_state in ("stopping", "stopped")
    assert desk.post(f"{at}/pause-entries").status_code == 409


def test_a_failed_check_before_the_start_shows_its_reason_in_the_browser(desk: DeskProcess, page: Page) -> None:
    started = desk.post("/api/sessions", {"strategies": ["pump-peak-short"], "symbols": ["BTCUSDT.SIMULATED"]})
    assert (started.status_code, started.json()["state"]) == (201, "failed")
    session_id = started.json()["session_id"]
    page.goto(f"{desk.url}/sessions/{session_id}")
    hero = page.get_by_test_id("status-hero")
    expect(hero).to_have_attribute("data-state", "failed", timeout=10_000)
    expect(hero).to_contain_text("cannot be sold short")
    failed = page.get_by_test_id("panel-preflight").locator("[data-status=failed]")
    expect(failed).to_contain_text("cannot be sold short")
    expect(page.get_by_test_id("panel-state-machines").get_by_test_id("row")).to_have_count(1)
    logged = (desk.data_dir / "logs" / "papertape.log").read_text()
    assert f'"session_id": "{session_id}"' in logged
    assert '"event_type": "preflight_failed"' in logged


def test_the_page_of_an_unknown_session_says_so(desk: DeskProcess, page: Page) -> None:
    page.goto(f"{desk.url}/sessions/exec_none")
    expect(page.get_by_role("alert").filter(has_text="exec_none")).to_be_visible(timeout=10_000)
