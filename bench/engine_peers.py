"""Measure the engine beside its peers on the same trades, and explain each difference.

`python bench/engine_peers.py --only papertape,nautilus --load rare --symbols 1 --rounds 3`. JSON goes to the output,
progress and tables to the terminal. `make bench-engine` installs the peers first, each into an environment of its own.
The exit code is 1 when an engine failed or its result stays unexplained; one that is not installed is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from functools import cache
from pathlib import Path

from rich.console import Console

from peers.columns import read_columns
from peers.load import CAPITAL, FEE, LOADS, LOTS, SIZE_UNIT
from peers.market import SEED, market_folder
from peers.peer import MARKETS, PEERS, Line, Peer
from peers.reference import Outcome, Rule, Seed, outcome
from peers.table import Row, build_table, compare, is_settled, summarise

_SYMBOLS = (1, 50)
_EVENTS = 2_000_000
_ROUNDS = 3


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="names of engines, with commas: " + ", ".join(peer.name for peer in PEERS))
    parser.add_argument("--load", choices=sorted(LOADS), help="both when not given")
    parser.add_argument("--symbols", type=int, choices=_SYMBOLS, help="1 and 50 when not given")
    parser.add_argument("--events", type=int, default=_EVENTS, help="trades; slow peers run on fewer, and say so")
    parser.add_argument("--rounds", type=int, default=_ROUNDS)
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    wanted = [peer.name for peer in PEERS] if given.only is None else given.only.split(",")
    unknown = set(wanted) - {peer.name for peer in PEERS}
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(peer.name for peer in PEERS)}")
    peers = [peer for peer in PEERS if peer.name in wanted]
    terminal = Console(stderr=True, width=max(160, Console(stderr=True).width))
    figures: list[Row] = []
    rows: list[Row] = []
    for symbols in _SYMBOLS if given.symbols is None else (given.symbols,):
        folder = market_folder(MARKETS, given.seed, given.events, symbols)
        for load in LOADS if given.load is None else (given.load,):
            title = f"{load}, {symbols} symbol{'s' if symbols > 1 else ''}"
            measured = _measure(peers, folder, load, symbols, given.events, given.rounds, terminal)
            terminal.print(build_table(title, measured))
            figures.append({"load": load, "symbols": symbols, "rows": measured})
            rows += measured
    _print(figures, given.seed, given.events, given.rounds)
    sys.exit(0 if all(is_settled(row) for row in rows) else 1)


def _measure(
    peers: list[Peer], folder: Path, load: str, symbols: int, events: int, rounds: int, terminal: Console
) -> list[Row]:
    """Run every peer once a round, one after the other, so that a slow minute meets them all."""
    lines: dict[str, list[Line]] = {peer.name: [] for peer in peers}
    for number in range(1, rounds + 1):
        for peer in peers:
            terminal.print(f"{load}, {symbols}: round {number} of {rounds}, {peer.name}", style="dim")
            lines[peer.name].append(peer.run(folder, load, symbols, events))

    @cache
    def reference(count: int, rule: Rule, seed: Seed) -> Outcome:
        return outcome(read_columns(folder, count), LOADS[load], rule, seed)

    return compare([summarise(lines[peer.name], reference) for peer in peers])


def _print(figures: list[Row], seed: int, events: int, rounds: int) -> None:
    document = {
        "what": "one load on every engine: the same seeded trades, an EMA cross on every trade, market orders",
        "seed": seed,
        "trades": events,
        "rounds": f"{rounds}, interleaved; the median counts",
        "order": f"{LOTS * SIZE_UNIT:g} a fill, fee {FEE:.1%}, capital {CAPITAL:,}",
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, load average {os.getloadavg()[0]:.1f}",
        "loads": figures,
    }
    json.dump(document, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
