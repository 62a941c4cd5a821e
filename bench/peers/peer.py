"""Who is measured: how a runner is started, and on how much of the market."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".setup" / "bench"
MARKETS = HOME / "market"
TIMEOUT_S = 1800
NOT_INSTALLED = "it is not installed; run make bench-engine-setup"

Line = dict[str, Any]
"""What a runner prints, or `{"peer": …, "error": …}`."""


@dataclass(frozen=True)
class Peer:
    """An engine beside ours. `most` limits the trades by number of symbols, where it would take too long."""

    name: str
    most: dict[int, int] | None = None

    @property
    def python(self) -> Path:
        """The interpreter of its environment; ours runs in the one that runs this."""
        return Path(sys.executable) if self.name == "papertape" else HOME / self.name / "bin" / "python"

    def events(self, wanted: int, symbols: int) -> int:
        """Return how many trades it runs on."""
        return wanted if self.most is None else min(wanted, self.most[symbols])

    def run(self, folder: Path, load: str, symbols: int, events: int) -> Line:
        """Run it once in a process of its own, and return its line."""
        if not self.python.is_file():
            return {"peer": self.name, "error": NOT_INSTALLED}
        command = [str(self.python), "-m", f"peers.run_{self.name}", str(folder), "--load", load]
        command += ["--symbols", str(symbols), "--events", str(self.events(events, symbols))]
        paths = [str(ROOT / "bench"), *([os.environ["PYTHONPATH"]] if "PYTHONPATH" in os.environ else [])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONHASHSEED": "0"}
        try:
            ended = subprocess.run(
                command, capture_output=True, text=True, check=False, env=environment, timeout=TIMEOUT_S
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return {"peer": self.name, "error": f"it was not done within {TIMEOUT_S} s"}
        return parse_line(self.name, ended.stdout, ended.stderr)


PEERS = (
    Peer("papertape"),
    Peer("nautilus"),
    Peer("hftbacktest"),
    Peer("vectorbt"),
    Peer("backtesting", most={1: 200_000, 50: 400_000}),
    Peer("backtrader", most={1: 100_000, 50: 20_000}),
)


def parse_line(peer: str, printed: str, complaint: str) -> Line:
    """Return the line among what a runner printed, or why there is none."""
    for text in reversed(printed.splitlines()):
        if text.startswith("{"):
            line: Line = json.loads(text)
            return line
    reason = complaint.strip().splitlines()
    return {"peer": peer, "error": reason[-1] if reason else "it printed nothing"}
