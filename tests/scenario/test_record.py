"""A session of mode RECORD keeps the market and trades nothing; `papertape record` runs one without a server."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from papertape.errors import Invalid
from papertape.model.entries import Trade
from papertape.model.session import StartSession
from papertape.testkit.fake_source import FakeSource, make_instrument
from papertape.testkit.manual_time import settle
from papertape.testkit.processes import Process, papertape_command
from papertape.testkit.session_bench import SessionBench

BTC, ETH_BTC = make_instrument("BTCUSDT"), make_instrument("ETHBTC")
ENVIRONMENT = {**os.environ, "COLUMNS": "300", "NO_COLOR": "1"}
SYMBOLS = ("PUMPUSDT-PERP.SIMULATED", "BTCUSDT-PERP.SIMULATED")


def request(*symbols: str, strategies: tuple[str, ...] = ()) -> StartSession:
    return StartSession(strategies=strategies, symbols=symbols, mode="RECORD")


async def test_a_recording_session_runs_its_checks_and_keeps_every_event() -> None:
    bench = SessionBench(FakeSource([BTC]))
    session = await bench.desk.start(request(BTC.id), None)
    await settle()
    await bench.play([BTC], 3)
    now = bench.desk.session(session.session_id)
    preflight = bench.desk.latest(session.session_id, "preflight")["preflight"]
    checks = {check.code: check for check in preflight.checks}
    assert preflight.status == "ok"
    assert (now.mode, now.state, now.is_degraded, now.strategies) == ("RECORD", "running", False, ())
    assert checks["strategies.active"].detail == "This session records: it runs no strategy, and nothing trades."
    assert checks["symbol.tradable"].label == "Symbol exists at the venue"
    assert bench.desk.latest(session.session_id, "instances") == {}
    assert list(bench.desk.latest(session.session_id, "watchlist")) == [BTC.id]
    kept = [e for batch in bench.store.batches(session.session_id) for e in batch.entries if isinstance(e, Trade)]
    assert len(kept) == 12
    await bench.desk.close()


async def test_a_recording_may_hold_symbols_of_several_currencies() -> None:
    bench = SessionBench(FakeSource([BTC, ETH_BTC]))
    session = await bench.desk.start(request(BTC.id, ETH_BTC.id), None)
    assert session.instruments == (BTC.id, ETH_BTC.id)
    await bench.desk.close()


async def test_a_recording_goes_on_after_a_restart_of_the_desk() -> None:
    bench = SessionBench(FakeSource([BTC]))
    session = await bench.desk.start(request(BTC.id), None)
    await settle()
    await bench.play([BTC], 2)
    again = bench.restart(FakeSource([BTC]))
    assert await again.desk.open() == [session.session_id]
    await settle()
    await again.play([BTC], 2)
    kept = [e for batch in again.store.batches(session.session_id) for e in batch.entries if isinstance(e, Trade)]
    assert len(kept) == 16
    await again.desk.close()


@pytest.mark.parametrize(
    ("wrong", "path", "sentence"),
    [
        (
            request(BTC.id, strategies=("buy-the-tick",)),
            "strategies",
            "runs no strategies, but buy-the-tick was chosen",
        ),
        (request(), "symbols", "No symbols were chosen"),
        (StartSession(strategies=(), symbols=(BTC.id,), mode="REPLAY"), "mode", "here the mode is PAPER, or RECORD"),
        (StartSession(strategies=(), symbols=(BTC.id,)), "strategies", "No strategies were chosen"),
    ],
)
async def test_a_wrong_request_to_record_is_refused_at_its_path(wrong: StartSession, path: str, sentence: str) -> None:
    bench = SessionBench(FakeSource([BTC]))
    with pytest.raises(Invalid, match=sentence) as refused:
        await bench.desk.start(wrong, None)
    assert (refused.value.path, bench.desk.sessions(10)) == (path, [])


def record(data_dir: Path, *options: str) -> Process:
    symbols = [word for symbol in SYMBOLS for word in ("--symbol", symbol)]
    return Process(
        papertape_command(), "record", *symbols, "--feed", "simulated", "--data-dir", str(data_dir), *options,
        cwd=data_dir.parent,
    )  # fmt: skip


def run(data_dir: Path, *words: str) -> tuple[int, str]:
    ended = subprocess.run(
        [papertape_command(), *words, "--data-dir", str(data_dir)], cwd=data_dir.parent, env=ENVIRONMENT,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return ended.returncode, ended.stdout if ended.returncode == 0 else ended.stderr


def test_a_market_is_recorded_reported_exported_and_backtested(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    recording = record(data_dir)
    session_id = recording.wait_for(r"session (exec_\w+); Ctrl-C ends it").group(1)
    for symbol in SYMBOLS:
        price = recording.wait_for(rf"{symbol}  [\d.,]+ events/s, ([\d.]+) at \d\d:\d\d:\d\d UTC, 0 gaps").group(1)
        assert float(price) > 0
    status, said = run(data_dir, "record", "--symbol", SYMBOLS[0], "--feed", "simulated")
    assert status == 2
    assert "used by another papertape desk" in said
    assert f"papertape session start --mode RECORD --symbol {SYMBOLS[0]}" in said
    assert recording.end(signal.SIGINT) == 0
    end = "".join(recording.said)
    assert re.search(rf"Recorded [\d,]+ events of 2 symbols, .*0 gaps: session {session_id} is stopped", end)
    assert f"papertape backtest --data session:{session_id}" in end
    status, said = run(data_dir, "export", "trades", session_id, "trades.parquet", "--json")
    assert (status, json.loads(said)["rows"] > 100) == (0, True)
    status, said = run(
        data_dir, "backtest", "--data", f"session:{session_id}", "--strategy", "pump-peak-short", "--json"
    )
    assert (status, json.loads(said)["instruments"]) == (0, sorted(SYMBOLS))


def test_a_recording_of_some_seconds_ends_by_itself(tmp_path: Path) -> None:
    status, said = run(
        tmp_path / "data", "record", "--symbol", SYMBOLS[0], "--feed", "simulated", "--seconds", "1", "--json"
    )
    recorded = json.loads(said.splitlines()[-1])
    assert (status, recorded["state"], recorded["symbols"][0]["instrument"]) == (0, "stopped", SYMBOLS[0])
    assert recorded["symbols"][0]["trades"] > 0


def test_a_symbol_that_does_not_exist_is_said_and_nothing_is_recorded(tmp_path: Path) -> None:
    status, said = run(tmp_path / "data", "record", "--symbol", "NOSUCH", "--feed", "simulated", "--seconds", "1")
    assert status == 2
    assert "'NOSUCH' does not exist at this venue" in said
