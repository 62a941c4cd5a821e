"""Backtests of a desk run in real processes: their result, their end, and the end of the desk."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from papertape.app.backtest_process import BacktestProcess
from papertape.cli.main import app
from papertape.errors import Invalid
from papertape.model.backtest import BacktestView, StartBacktest
from papertape.session.backtests import Backtests
from papertape.session.clock import wall_clock
from papertape.session.library import Library
from papertape.testkit.memory_store import MemoryStore
from papertape.testkit.processes import DeskProcess
from papertape.testkit.session_bench import SIMPLE_STRATEGY, MemoryFiles
from papertape.testkit.stored_session import STORED_ID, StoredSession

# Nobody ever writes into this recording, so that whoever reads it stays until it is ended.
ENDLESS = StartBacktest(data="import:endless", strategies=("buy-the-tick",))
ENDLESS_FILE = Path("imports/endless/frames.jsonl")
_WITHIN_S = 900.0  # a process of the lowest priority waits long for a busy machine


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("backtests") / "data"
    session = StoredSession(path)
    session.warm_up(5)
    session.play(60)
    session.end()
    (path / "strategies" / "buy-the-tick.yaml").write_text(SIMPLE_STRATEGY)
    (path / "imports" / "endless").mkdir(parents=True)
    os.mkfifo(path / ENDLESS_FILE)
    return path


def command_says(data_dir: Path) -> dict[str, Any]:
    strategy = str(data_dir / "strategies" / "buy-the-tick.yaml")
    words = ["--data", f"session:{STORED_ID}", "--data-dir", str(data_dir), "--strategy", strategy, "--json"]
    result: dict[str, Any] = json.loads(CliRunner().invoke(app, ["backtest", *words]).stdout)
    return without_pace(result)


def without_pace(result: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in result.items() if name not in ("seconds", "entries_per_s")}


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(condition: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + _WITHIN_S
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} did not happen within {_WITHIN_S:.0f} s"
        time.sleep(0.02)
    return found


class Bench:
    """Backtests on the data folder without the rest of a desk; `pids` are those of the processes it starts."""

    def __init__(self, data_dir: Path) -> None:
        self.pids: asyncio.Queue[int] = asyncio.Queue()
        runner = BacktestProcess(data_dir, on_started=self.pids.put_nowait)
        library = Library(MemoryFiles(buy_the_tick=SIMPLE_STRATEGY))
        self.backtests = Backtests(runner, library, MemoryStore(wall_clock), wall_clock)

    async def start(self, request: StartBacktest) -> tuple[str, int]:
        view = self.backtests.start(request, None)
        async with asyncio.timeout(_WITHIN_S):
            return view.backtest_id, await self.pids.get()

    async def ended(self, backtest_id: str) -> BacktestView:
        async with asyncio.timeout(_WITHIN_S):
            await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == backtest_id))
        return self.backtests.get(backtest_id)


async def test_a_backtest_that_is_cancelled_ends_its_process(data_dir: Path) -> None:
    bench = Bench(data_dir)
    backtest_id, pid = await bench.start(ENDLESS)
    assert os.getpriority(os.PRIO_PROCESS, pid) == 19
    assert (await bench.backtests.cancel(backtest_id)).state == "cancelled"
    assert not is_alive(pid)


async def test_a_process_that_is_killed_is_reported_and_the_next_backtest_runs(data_dir: Path) -> None:
    bench = Bench(data_dir)
    backtest_id, pid = await bench.start(ENDLESS)
    os.kill(pid, signal.SIGKILL)
    assert (await bench.ended(backtest_id)).reason == (
        "The process of the backtest was killed, by hand or because the machine ran out of memory. The desk and its "
        "journal are as they were; start it again, with fewer symbols or a shorter recording where memory was short."
    )
    again, _ = await bench.start(ENDLESS)
    assert bench.backtests.get(again).state == "running"
    await bench.backtests.close()


async def test_a_desk_that_closes_ends_the_process(data_dir: Path) -> None:
    bench = Bench(data_dir)
    backtest_id, pid = await bench.start(ENDLESS)
    await bench.backtests.close()
    assert (bench.backtests.get(backtest_id).state, is_alive(pid)) == ("cancelled", False)


async def test_a_failure_in_the_process_is_its_sentence(data_dir: Path) -> None:
    (data_dir / "imports" / "notes.txt").write_text("no frames\n")
    bench = Bench(data_dir)
    backtest_id, _ = await bench.start(StartBacktest(data="import:notes.txt", strategies=("buy-the-tick",)))
    ended = await bench.ended(backtest_id)
    assert (ended.code, "holds no recorded Binance frames" in ended.reason) == ("recording.no_frames", True)


@pytest.mark.parametrize("name", ["../papertape.sqlite3", "/etc/hostname", "", "."])
async def test_nothing_outside_of_the_imports_can_be_read(data_dir: Path, name: str) -> None:
    with pytest.raises(Invalid, match="is no name of a recording in"):
        BacktestProcess(data_dir).check(f"import:{name}")


def children_of(pid: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            is_backtest = b"backtest_child" in (path / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
        if parent == pid and is_backtest:
            found.append(int(path.name))
    return found


def opened_for_writing(pipe: Path) -> int | None:
    try:
        return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno != errno.ENXIO:  # nobody reads it yet
            raise
        return None


def test_a_desk_runs_it_to_the_command_s_result_and_takes_its_process_along_when_it_is_killed(data_dir: Path) -> None:
    desk = DeskProcess(data_dir, "--feed", "simulated", "--no-demo")
    try:
        asked = desk.post("/api/backtests", {"data": f"session:{STORED_ID}", "strategies": ["buy-the-tick"]})
        assert asked.status_code == 202, asked.text
        place = f"/api/backtests/{asked.json()['backtest_id']}"
        wait_until(lambda: desk.get(place)["state"] not in ("waiting", "running"), "the end of the backtest")
        ended = desk.get(place)
        assert (ended["state"], ended["percent"]) == ("finished", 100.0)
        assert ended["entries_total"] >= ended["entries_done"] > 0
        assert without_pace(ended["result"]) == command_says(data_dir)
        assert ended["result"]["fills"] > 0
        desk.post("/api/backtests", {"data": ENDLESS.data, "strategies": ["buy-the-tick"]})
        held = wait_until(lambda: opened_for_writing(data_dir / ENDLESS_FILE), "its being read")
        (child,) = children_of(desk.process.pid)
    finally:
        desk.end(signal.SIGKILL)
    wait_until(lambda: not is_alive(child), "the end of the backtest's process")
    os.close(held)
