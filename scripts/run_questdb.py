"""Run the QuestDB server of this checkout: in the foreground, or beneath a command that gets its address.

    run_questdb.py serve                   runs until Ctrl-C
    run_questdb.py with COMMAND [ARG …]    runs PAPERTAPE_STORE=questdb://… COMMAND; starts the server unless one runs

Data, log and password stay in .questdb/, which only its owner can read.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import IO

from papertape.errors import PapertapeError, Unavailable
from papertape.store.questdb.address import QuestAddress
from papertape.testkit.questdb_runtime import stored_password
from papertape.testkit.questdb_server import USER, QuestServer, execute, is_free, store_option

FOLDER = Path(__file__).resolve().parent.parent / ".questdb"
_READY_S = 60.0


class _AlreadyRunning(Exception):
    def __init__(self, pid: int, address: QuestAddress) -> None:
        super().__init__(pid)
        self.pid = pid
        self.address = address


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _address(http_port: int, pg_port: int) -> QuestAddress:
    password = stored_password(FOLDER / "password")
    return QuestAddress(host="127.0.0.1", http_port=http_port, pg_port=pg_port, user=USER, password=password)


@contextlib.contextmanager
def _locked(http_port: int, pg_port: int) -> Iterator[None]:
    """Hold the folder's lock, with who holds it written inside; `_AlreadyRunning` when another process does."""
    FOLDER.mkdir(mode=0o700, exist_ok=True)
    with (FOLDER / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _read_holder(lock) from None
        lock.truncate(0)
        json.dump({"pid": os.getpid(), "http": http_port, "pg": pg_port}, lock)
        lock.flush()
        yield


def _read_holder(lock: IO[str]) -> _AlreadyRunning:
    until = time.monotonic() + _READY_S
    while time.monotonic() < until:
        lock.seek(0)
        with contextlib.suppress(json.JSONDecodeError):
            holder = json.loads(lock.read())
            return _AlreadyRunning(holder["pid"], _address(holder["http"], holder["pg"]))
        time.sleep(0.05)  # its holder has locked it and is about to write who it is
    raise Unavailable(f"{FOLDER}/lock is held by a process that does not say who it is.", code="questdb.lock")


@contextlib.contextmanager
def _running(http_port: int, pg_port: int) -> Iterator[QuestServer]:
    """Run the server while the block runs."""
    with _locked(http_port, pg_port):
        taken = [port for port in (http_port, pg_port) if not is_free(port)]
        if taken:
            raise Unavailable(
                f"Port {taken[0]} of 127.0.0.1 is taken by another program, so QuestDB was not started. End that "
                "program, or add other ports to the make command: QUESTDB_HTTP=9010 QUESTDB_PG=8822.",
                code="questdb.port",
            )
        server = QuestServer(FOLDER / "data", address=_address(http_port, pg_port))
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _leave_to_child(_number: int, _frame: FrameType | None) -> None:
    """Ignore a signal; unlike SIG_IGN this is not inherited by the command that is started."""


def _serve(http_port: int, pg_port: int) -> int:
    try:
        with _running(http_port, pg_port) as server, contextlib.suppress(KeyboardInterrupt):
            _say(f"QuestDB {server.runtime.version} is running on 127.0.0.1 only; data in {FOLDER / 'data'}.")
            _say(f"Console:  http://127.0.0.1:{http_port}  (user {USER}, password in {FOLDER / 'password'})")
            _say(f"Desk:     papertape run --store '{server.store}'")
            _say("Ctrl-C ends it; the data stays.")
            server.wait()
            _say(f"QuestDB has ended by itself; it said:\n{server.log_tail()}")
            return 1
    except _AlreadyRunning as running:
        _say(f"QuestDB is already running (process {running.pid}); nothing was started.")
        _say(f"Desk:     papertape run --store '{store_option(running.address)}'")
        return 0
    _say("QuestDB has ended; its data stays.")
    return 0


def _with(command: list[str], http_port: int, pg_port: int) -> int:
    try:
        with _running(http_port, pg_port) as server:
            _say(f"QuestDB {server.runtime.version} was started on 127.0.0.1:{http_port}, and ends with the desk.")
            return _run(command, server.address)
    except _AlreadyRunning as running:
        _say(f"QuestDB is already running (process {running.pid}) and is used.")
        _wait_for_answer(running.address)
        return _run(command, running.address)


def _run(command: list[str], address: QuestAddress) -> int:
    """Run the command to its end; Ctrl-C is for it, and what ends us ends it first."""
    signal.signal(signal.SIGINT, _leave_to_child)
    # By the environment, because every user of the machine can read a command line.
    child = subprocess.Popen(command, env={**os.environ, "PAPERTAPE_STORE": store_option(address)})
    signal.signal(signal.SIGTERM, lambda number, _frame: child.send_signal(number))
    return child.wait()


def _wait_for_answer(address: QuestAddress) -> None:
    until = time.monotonic() + _READY_S
    while True:
        try:
            execute(address, "SELECT 1", timeout_s=2)
            return
        except Unavailable:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)  # another process starts it: there is nothing to wait on but its answer


def main() -> int:
    """Do what was asked for and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--http", type=int, default=9000, help="port of the console, of rows sent and of statements")
    parser.add_argument("--pg", type=int, default=8812, help="port of PostgreSQL's protocol, by which papertape reads")
    parser.add_argument("what", choices=("serve", "with"))
    parser.add_argument("command", nargs=argparse.REMAINDER)
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        if asked.what == "serve":
            return _serve(asked.http, asked.pg)
        return _with(asked.command, asked.http, asked.pg)
    except PapertapeError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
