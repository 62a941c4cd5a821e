"""The QuestDB server of the tests: it keeps its data over a kill, stands still when frozen, and fills up when told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from papertape.errors import Unavailable
from papertape.store.questdb.address import QuestAddress
from papertape.testkit.questdb_server import QuestServer, execute, is_free

TABLE = "CREATE TABLE kept (ts TIMESTAMP, n LONG) TIMESTAMP(ts) PARTITION BY DAY WAL"
CHILD = """
import sys
from pathlib import Path
from papertape.testkit.questdb_server import QuestServer
server = QuestServer(Path(sys.argv[1]))
server.start()
print(server.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("round_", [1, 2])
def test_the_shared_server_has_no_tables_at_the_start_of_a_test(quest: QuestAddress, round_: int) -> None:
    found = execute(quest, "tables()")
    execute(quest, TABLE)
    assert (round_, found) == (round_, [])


def test_a_killed_server_comes_back_with_its_rows_at_the_same_address(quest_server: QuestServer) -> None:
    quest_server.execute(TABLE)
    quest_server.execute("INSERT INTO kept VALUES (0, 7)")
    quest_server.kill()
    with pytest.raises(Unavailable):
        quest_server.execute("kept")
    quest_server.start()
    quest_server.wait_until_applied()
    assert quest_server.execute("kept") == [["1970-01-01T00:00:00.000000Z", 7]]


def test_a_frozen_server_does_not_answer_until_it_is_thawed(quest_server: QuestServer) -> None:
    quest_server.freeze()
    with pytest.raises(Unavailable):
        execute(quest_server.address, "SELECT 1", timeout_s=0.3)
    quest_server.thaw()
    assert quest_server.execute("SELECT 1") == [[1]]


def test_a_server_at_its_file_limit_refuses_and_takes_rows_again_afterwards(quest_server: QuestServer) -> None:
    quest_server.execute(TABLE)
    quest_server.limit_file_size(100_000)
    with pytest.raises(Unavailable, match="No space left"):
        quest_server.execute("INSERT INTO kept SELECT x::timestamp, x FROM long_sequence(100000)")
    quest_server.limit_file_size(None)
    quest_server.restart()
    quest_server.execute("INSERT INTO kept SELECT x::timestamp, x FROM long_sequence(100000)")
    quest_server.wait_until_applied()
    assert quest_server.execute("SELECT count() FROM kept") == [[100_000]]


def test_a_server_that_cannot_start_says_what_its_log_says(tmp_path: Path) -> None:
    server = QuestServer(tmp_path, settings={"no.such.setting": "1"})
    with pytest.raises(Unavailable, match=r"(?s)ended while it started.*no\.such\.setting"):
        server.start()
    assert not server.is_running


def test_a_server_does_not_outlive_a_test_run_that_was_killed(tmp_path: Path) -> None:
    run = subprocess.Popen(
        (sys.executable, "-c", CHILD, str(tmp_path)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert run.stdout is not None
    server_pid = int(run.stdout.readline())
    run.send_signal(signal.SIGKILL)
    run.wait()
    run.communicate()
    until = time.monotonic() + 10
    while _is_alive(server_pid) and time.monotonic() < until:
        time.sleep(0.02)
    assert not _is_alive(server_pid)


def test_a_port_that_is_listened_on_is_not_free(quest: QuestAddress) -> None:
    assert not is_free(quest.http_port)


def _is_alive(pid: int) -> bool:
    """Return whether a process runs; a dead one that nobody has waited for yet does not."""
    try:
        os.kill(pid, 0)
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False
