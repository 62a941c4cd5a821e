"""Desks and exchanges as child processes, for tests of the installed program."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx


class Process:
    """A child process whose standard output is read line by line."""

    def __init__(self, *command: str, cwd: Path) -> None:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": "300", "NO_COLOR": "1"}
        self._child = subprocess.Popen(
            command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.pid = self._child.pid
        self.said: list[str] = []

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Read until a line matches; fail with everything that was said when the process ends first."""
        assert self._child.stdout is not None
        for line in self._child.stdout:
            self.said.append(line)
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"the process ended without saying {pattern!r}; it said:\n{''.join(self.said)}")

    def end(self, how: signal.Signals = signal.SIGINT) -> int:
        """Send a signal and return the exit status; what is still said is kept."""
        if self._child.poll() is None:
            self._child.send_signal(how)
        rest, _ = self._child.communicate(timeout=40)
        self.said.append(rest or "")
        return self._child.returncode


class DeskProcess:
    """A running `papertape run` on its own data folder, with its HTTP interface at hand."""

    def __init__(self, data_dir: Path, *options: str) -> None:
        self._options = ("run", "--port", "0", "--data-dir", str(data_dir), *options)
        self.data_dir = data_dir
        self.start()

    def start(self) -> None:
        """Start the desk and wait until it answers."""
        self.process = Process(papertape_command(), *self._options, cwd=self.data_dir.parent)
        self.url = self.process.wait_for(r"running at (http://\S+)").group(1)
        self.http = httpx.Client(base_url=self.url, timeout=30)

    def get(self, path: str) -> Any:
        """Return a JSON answer, failing on any error status."""
        answer = self.http.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Send a state-changing request."""
        return self.http.post(path, json=body, headers=headers)

    def memory_mb(self) -> float:
        """Return the resident memory of the desk in megabytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None, status
        return int(found.group(1)) / 1024

    def end(self, how: signal.Signals = signal.SIGINT) -> int:
        """End the desk and return its exit status."""
        self.http.close()
        return self.process.end(how)


def papertape_command() -> str:
    """Return the command under test: the installed wheel's, or this environment's where none is given."""
    return os.environ.get("PAPERTAPE_BIN") or str(Path(sys.executable).parent / "papertape")


def free_port() -> int:
    """Return a port of loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
