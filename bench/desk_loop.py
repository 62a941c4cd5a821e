"""Measure what holds the desk's event loop, by cause: longest, p99 and milliseconds a second. Prints JSON.

A real desk on a real journal with past sessions; one session with many symbols and six indicators each, under ticks as
a feed delivers them, and one client that watches every topic. Then the session is stopped, and its end measured apart.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import sys
import tempfile
from pathlib import Path

import structlog

from papertape.session.lifecycle import ENDED
from streaming.desk_load import desk_load
from streaming.figure import machine
from streaming.loop_turns import LoopTurns, TimedLoop

_STRATEGY = "pump-peak-short"  # six indicators


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--symbols", type=int, default=50)
    parser.add_argument("--ticks", type=float, default=1000.0, help="quotes and trades a second over all symbols")
    parser.add_argument("--past", type=int, default=200, help="ended sessions in the journal")
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))  # only the figures are printed
    on, turns = machine(), LoopTurns()
    gc.callbacks.append(turns.note_collection)
    with asyncio.Runner(loop_factory=lambda: TimedLoop(turns)) as runner:
        figures = runner.run(_measure(arguments, turns))
    json.dump({"what": "what held the desk's event loop", **vars(arguments), **figures, "machine": on}, sys.stdout,
              indent=2)  # fmt: skip
    sys.stdout.write("\n")


async def _measure(arguments: argparse.Namespace, turns: LoopTurns) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        async with desk_load(Path(folder), turns, symbols=arguments.symbols, past=arguments.past) as load:
            gc.freeze()  # as the program does once it is open
            await load.start(_STRATEGY)
            probe = load.watch()
            await load.play(arguments.ticks, 3.0, probe)  # warm
            turns.forget()
            await load.play(arguments.ticks, arguments.seconds, probe)
            running = turns.figures()
            turns.forget()
            await load.desk.stop(load.session_id, close_positions=False)
            async with asyncio.timeout(20):
                while load.desk.session(load.session_id).state not in ENDED:
                    await load.play(arguments.ticks, 0.1, probe)
            await load.play(0, 2.0, probe)
            return {"running": running, "ending": turns.figures()}


if __name__ == "__main__":
    main()
