"""What every runner does around its engine: read what is asked, run, print one JSON line."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from peers.load import LOADS, Load
from peers.reference import Rule, Seed


@dataclass(frozen=True)
class Asked:
    """What a runner is to run: the first `events` trades of the market in `folder`, which has `symbols` symbols."""

    folder: Path
    load: Load
    symbols: int
    events: int


@dataclass(frozen=True)
class Measured:
    """What it came to. `seconds` is the run over prepared data alone; `note` says what else the reader must know."""

    events: int
    seconds: float
    fills: int
    equity: float
    rule: Rule
    seed: Seed
    note: str


def run(peer: str, package: str, measure: Callable[[Asked], Measured]) -> None:
    """Measure once in this process and print the result as one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--load", choices=sorted(LOADS), required=True)
    parser.add_argument("--symbols", type=int, required=True)
    parser.add_argument("--events", type=int, required=True)
    given = parser.parse_args()
    measured = measure(Asked(given.folder, LOADS[given.load], given.symbols, given.events))
    line = {
        "peer": peer,
        "version": importlib.metadata.version(package),
        "python": ".".join(str(part) for part in sys.version_info[:3]),
        "load": given.load,
        "symbols": given.symbols,
        "events": measured.events,
        "seconds": round(measured.seconds, 6),
        "events_per_s": round(measured.events / measured.seconds),
        "fills": measured.fills,
        "final_equity": round(measured.equity, 8),
        "fill_rule": measured.rule,
        "average_starts_at": measured.seed,
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "note": measured.note,
    }
    sys.stdout.write(json.dumps(line) + "\n")
