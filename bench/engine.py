"""Measure the engine: entries a second over the simulated market, by batch size, with its memory. Prints JSON.

The load is `pump-peak-short` (6 indicators, 13 conditions) on three perpetuals; every fact is kept and counted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import resource
import sys
import time
from decimal import Decimal

from papertape.feeds.simulated.source import SimulatedSource
from papertape.model.entries import LifecycleChange, MarketEvent
from papertape.model.instrument import Instrument
from papertape.model.session import PROFILES, SessionPlan, StrategyVersion
from papertape.session.core import SessionCore
from papertape.strategy.library import builtin_text
from papertape.strategy.parse import definition_sha256, parse_definition, to_plain

_SYMBOLS = ("PUMPUSDT-PERP.SIMULATED", "MOONUSDT-PERP.SIMULATED", "BTCUSDT-PERP.SIMULATED")
_BATCHES = (1, 64, 4096)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=3600.0, help="length of the simulated market")
    arguments = parser.parse_args()
    instruments, events = asyncio.run(_market(arguments.seed, arguments.seconds))
    figures = {str(size): _measure(instruments, events, size) for size in _BATCHES}
    json.dump(
        {
            "what": "entries a second through the engine, by batch size",
            "seed": arguments.seed,
            "entries": len(events),
            "by_batch_size": figures,
            "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            "machine": f"{platform.machine()}, Python {platform.python_version()}",
        },
        sys.stdout,
        indent=2,
    )
    sys.stdout.write("\n")


async def _market(seed: int, seconds: float) -> tuple[tuple[Instrument, ...], list[MarketEvent]]:
    source = SimulatedSource(seed, lambda: 1_766_854_702_000_000, pre_roll_s=seconds)
    offered = {item.id: item for item in await source.instruments()}
    instruments = tuple(offered[symbol] for symbol in _SYMBOLS)
    return instruments, await source.history(instruments)


def _measure(instruments: tuple[Instrument, ...], events: list[MarketEvent], size: int) -> dict[str, float]:
    definition = parse_definition(builtin_text("pump-peak-short"))
    version = StrategyVersion(
        name=definition.name, version=1, sha256=definition_sha256(definition), definition=to_plain(definition)
    )
    core = SessionCore(
        SessionPlan(
            mode="BACKTEST",
            strategies=(version,),
            instruments=instruments,
            capital=Decimal(10_000),
            currency="USDT",
            profile=PROFILES["standard"],
        )
    )
    first = events[0].ts
    core.feed(
        [
            LifecycleChange(
                ts=first, recv_ts=first, state="running", trigger="start", reason="The measurement started.",
                is_degraded=False, entries_paused=False,
            )
        ]
    )  # fmt: skip
    facts = 0
    started = time.perf_counter()
    for start in range(0, len(events), size):
        facts += len(core.feed(events[start : start + size])[1])
    seconds = time.perf_counter() - started
    return {"entries_per_s": round(len(events) / seconds), "us_per_entry": round(seconds / len(events) * 1e6, 1),
            "facts": facts}  # fmt: skip


if __name__ == "__main__":
    main()
