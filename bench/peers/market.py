"""The market of the measurement: trades of a seeded random walk, the same on every machine and every Python."""

from __future__ import annotations

import random
from array import array
from pathlib import Path

from peers.columns import NAMES, Columns, column_file

START_TS = 1_766_854_702_000_000
START_PRICE = 6_000_000
SEED = 7
_STEPS = 51
"""A step is a whole number of ticks from -25 to 25, all equally likely.

How often two averages of a random walk cross does not depend on the size of its steps but on the averages alone:
about 400 times in two million trades for 2000 and 5000, about 40,000 times for 20 and 50.
"""


def generate(seed: int, events: int, symbols: int) -> Columns:
    """Return a market of `events` trades in all, of symbols drawn at random.

    A trade comes 1 ms after the last one on average; sizes are from 0.010, so that one order always fits in one trade.
    """
    draw = random.Random(seed).random  # the one method whose sequence Python promises not to change
    ts = START_TS
    prices = [START_PRICE] * symbols
    rows: tuple[list[int], ...] = ([], [], [], [], [])
    times, traded, sizes, sides, of = rows
    for _ in range(events):
        ts += 1 + int(draw() * 1999)
        symbol = int(draw() * symbols) if symbols > 1 else 0
        prices[symbol] += int(draw() * _STEPS) - _STEPS // 2
        chance = draw()
        times.append(ts)
        traded.append(prices[symbol])
        sizes.append(10 + int(chance * 400) % 200)
        sides.append(1 if chance < 0.5 else -1)
        of.append(symbol)
    return Columns(*(array("q", row) for row in rows))


def market_folder(cache: Path, seed: int, events: int, symbols: int) -> Path:
    """Return the folder of a market, generated unless it is there."""
    folder = cache / f"seed-{seed}-{events}-trades-{symbols}-symbols"
    if not all(column_file(folder, name).is_file() for name in NAMES):
        generate(seed, events, symbols).write(folder)
    return folder
