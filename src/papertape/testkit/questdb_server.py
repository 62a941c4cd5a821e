"""A real QuestDB server as a child process: on its own data folder, on free ports, never outliving who started it."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from papertape.errors import Unavailable
from papertape.store.questdb.address import QuestAddress
from papertape.testkit.questdb_runtime import QuestRuntime, find_runtime, write_settings

USER = "papertape"
TEST_PASSWORD = "papertape-test"  # of servers that live as long as a test, on 127.0.0.1

_START_S = 60.0
_STOP_S = 30.0
_LOG_TAIL = 30


class QuestServer:
    """A QuestDB server: start, stop, kill, freeze, limit; it comes back on the same ports with the same data."""

    def __init__(
        self,
        folder: Path,
        *,
        address: QuestAddress | None = None,
        settings: Mapping[str, str] | None = None,
        runtime: QuestRuntime | None = None,
        is_brief: bool = False,
    ) -> None:
        """Prepare a server on `folder`; `settings` are lines of server.conf beside or instead of ours."""
        self.folder = folder
        self.address = address or free_address()
        self.runtime = runtime or find_runtime()
        self.log_path = folder / "server.log"
        self._settings = dict(settings or {})
        self._is_brief = is_brief
        self._child: subprocess.Popen[bytes] | None = None
        self._watcher: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Return the server's process id."""
        assert self._child is not None, "the server was not started"
        return self._child.pid

    @property
    def is_running(self) -> bool:
        """Return whether the process is there (a frozen one is)."""
        return self._child is not None and self._child.poll() is None

    @property
    def store(self) -> str:
        """Return what `papertape run --store` takes, password included."""
        return store_option(self.address)

    def start(self, deadline_s: float = _START_S) -> None:
        """Start the process and wait until it answers.

        Raises:
            Unavailable: It ended, or did not answer within `deadline_s`; the end of its log is in the sentence.
        """
        assert not self.is_running, "the server is running already"
        self.folder.mkdir(parents=True, exist_ok=True)
        write_settings(self.folder, self.address, self.runtime.version, self._settings)
        with self.log_path.open("ab") as log:
            self._child = subprocess.Popen(
                self.runtime.command(self.folder, is_brief=self._is_brief),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._watcher = _watch(self._child.pid)
        try:
            self._wait_for_answer(deadline_s)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """End the server cleanly and wait until it is gone; a frozen one is thawed first."""
        if not self.is_running:
            return
        assert self._child is not None
        self.thaw()
        self._child.terminate()
        try:
            self._child.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
        self._end_watcher()

    def wait(self) -> None:
        """Return once the process has ended."""
        assert self._child is not None, "the server was not started"
        self._child.wait()

    def kill(self) -> None:
        """End the server as a power cut would: no farewell, nothing flushed."""
        if self._child is not None:
            self._child.kill()
            self._child.wait(_STOP_S)
        self._end_watcher()

    def restart(self) -> None:
        """Stop it when it runs, and start it again on the same ports and data."""
        self.stop()
        self.start()

    def freeze(self) -> None:
        """Let the process stand still: connections stay open, nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen process go on."""
        os.kill(self.pid, signal.SIGCONT)

    def limit_file_size(self, size: int | None) -> None:
        """Let no file of the running server grow beyond `size` bytes, as a full disk would; None lifts the limit."""
        _, hard = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (hard if size is None else size, hard))

    def execute(self, statement: str) -> list[list[Any]]:
        """Run one statement over HTTP and return its rows.

        Raises:
            Unavailable: The server does not answer, or refuses the statement; its answer is in the sentence.
        """
        return execute(self.address, statement)

    def wait_until_applied(self, deadline_s: float = 20) -> None:
        """Wait until every row that was acknowledged is visible to readers."""
        wait_until_applied(self.address, deadline_s)

    def log_tail(self) -> str:
        """Return the last lines of the server's log."""
        with contextlib.suppress(FileNotFoundError):
            return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-_LOG_TAIL:])
        return ""

    def _wait_for_answer(self, deadline_s: float) -> None:
        until = time.monotonic() + deadline_s
        while time.monotonic() < until:
            if not self.is_running:
                raise Unavailable(f"QuestDB ended while it started; it said:\n{self.log_tail()}", code="questdb.start")
            with contextlib.suppress(Unavailable, OSError):
                execute(self.address, "SELECT 1", timeout_s=2)
                socket.create_connection((self.address.host, self.address.pg_port), timeout=2).close()
                return
            time.sleep(0.05)
        raise Unavailable(
            f"QuestDB did not answer within {deadline_s:g} s of its start; it said:\n{self.log_tail()}",
            code="questdb.start",
        )

    def _end_watcher(self) -> None:
        if self._watcher is not None:
            assert self._watcher.stdin is not None
            self._watcher.kill()
            self._watcher.wait()
            self._watcher.stdin.close()
            self._watcher = None


@contextlib.contextmanager
def quest_server_at(folder: Path, *, is_brief: bool = False, **settings: str) -> Iterator[QuestServer]:
    """Run a server while the block runs; `settings` are configuration lines with `_` for `.`.

    One that `is_brief` is up sooner and never as fast.
    """
    lines = {key.replace("_", "."): value for key, value in settings.items()}
    server = QuestServer(folder, settings=lines, is_brief=is_brief)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def store_option(address: QuestAddress) -> str:
    """Return what `papertape run --store` takes, password included."""
    server = f"{address.host}:{address.http_port}?pg={address.pg_port}"
    return f"questdb://{address.user}:{quote(address.password, safe='')}@{server}"


def execute(address: QuestAddress, statement: str, timeout_s: float = 30) -> list[list[Any]]:
    """Run one statement over HTTP and return its rows; `Unavailable` when it is refused or nothing answers."""
    url = f"http://{address.host}:{address.http_port}/exec"
    try:
        answer = httpx.get(
            url, params={"query": statement}, auth=(address.user, address.password), timeout=timeout_s, trust_env=False
        )
    except httpx.HTTPError as error:
        raise Unavailable(f"QuestDB at {url} does not answer: {error}", code="questdb.execute") from error
    if answer.status_code != 200:
        raise Unavailable(
            f"QuestDB answered {answer.status_code} to {statement!r}: {answer.text.strip()}", code="questdb.execute"
        )
    rows: list[list[Any]] = answer.json().get("dataset", [])
    return rows


def drop_tables(address: QuestAddress) -> None:
    """Drop every table that a client made; the server's own stay."""
    if execute(address, "tables() WHERE table_name NOT LIKE 'sys.%' LIMIT 1"):
        execute(address, "DROP ALL TABLES")


def wait_until_applied(address: QuestAddress, deadline_s: float = 20) -> None:
    """Wait until every table shows what it has acknowledged.

    Raises:
        Unavailable: Some table still lags after `deadline_s`; the sentence holds the lagging tables.
    """
    statement = "wal_tables() WHERE writerTxn <> sequencerTxn OR suspended"
    _wait(lambda: execute(address, statement), deadline_s)


def _wait(lagging: Callable[[], list[list[Any]]], deadline_s: float) -> None:
    until = time.monotonic() + deadline_s
    while rows := lagging():
        if time.monotonic() > until:
            raise Unavailable(f"QuestDB has not applied everything in {deadline_s:g} s: {rows}", code="questdb.apply")
        time.sleep(0.02)


def free_address(password: str = TEST_PASSWORD) -> QuestAddress:
    """Return an address on 127.0.0.1 whose two ports are free.

    The ports lie below those the system gives to outgoing connections, so that nobody takes them, and no client
    connects to itself, while the server is down between a kill and its restart.
    """
    http_port, pg_port = _free_ports(2)
    return QuestAddress(host="127.0.0.1", http_port=http_port, pg_port=pg_port, user=USER, password=password)


def _free_ports(count: int) -> list[int]:
    outgoing = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    found: set[int] = set()
    while len(found) < count:
        port = random.SystemRandom().randrange(min(20_000, outgoing - 5_000), outgoing)
        if is_free(port):
            found.add(port)
    return sorted(found)


def is_free(port: int) -> bool:
    """Return whether nobody listens on a port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _watch(pid: int) -> subprocess.Popen[bytes]:
    """Start a shell that kills `pid` when the pipe to us breaks, however we ended."""
    return subprocess.Popen(
        ("/bin/sh", "-c", 'read -r _; kill -KILL "$1"', "watch", str(pid)),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
