"""Measure how long a cut stream client needs to be caught up again, over a real socket. Prints JSON.

Each round resets the connection, publishes five facts meanwhile, and stops the watch when the client has the last.
The client's waiting time between attempts is set to nothing, so that the figure is reconnection and catch-up alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import time
from contextlib import aclosing

import structlog

from papertape.client.backoff import Backoff
from papertape.client.stream_client import StreamClient
from papertape.model.events import AlertRaised
from papertape.testkit.desk_server import desk_server
from papertape.testkit.fact_log import FactLog
from papertape.testkit.facts import fact
from papertape.testkit.fault_proxy import FaultProxy
from papertape.testkit.stream_probe import session_topic

_TOPIC = session_topic("alerts")
_FACTS = 5


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=20)
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))  # only the figures are printed
    figures = asyncio.run(_measure(arguments.rounds, arguments.seed))
    json.dump(
        {
            "what": "milliseconds from a reset connection to the last missed fact",
            "seed": arguments.seed,
            **figures,
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, loopback",
        },
        sys.stdout,
        indent=2,
    )
    sys.stdout.write("\n")


async def _measure(rounds: int, seed: int) -> dict[str, float]:
    took: list[float] = []
    async with FaultProxy(seed=seed) as proxy, desk_server(behind=proxy) as server:
        url = f"ws://127.0.0.1:{proxy.port}/api/stream"
        client = StreamClient(url, [_TOPIC], backoff=Backoff(floor_s=0, step_s=0), seed=seed, carriers=["websocket"])
        log = FactLog([_TOPIC])
        following = asyncio.create_task(_follow(client, log))
        await log.reached(0)
        for done in range(rounds):
            started = time.perf_counter()
            proxy.cut("reset")
            first = done * _FACTS + 1
            server.desk.publish(*(fact(AlertRaised, seq) for seq in range(first, first + _FACTS)))
            await log.reached(first + _FACTS - 1)
            took.append((time.perf_counter() - started) * 1000)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    took.sort()
    lost = rounds * _FACTS - len(set(log.seqs[_TOPIC]))
    return {
        "rounds": rounds,
        "p50_ms": round(took[len(took) // 2], 1),
        "p99_ms": round(took[int(len(took) * 0.99)], 1),
        "lost": lost,
        "duplicated": log.count - len(set(log.seqs[_TOPIC])),
    }


async def _follow(client: StreamClient, log: FactLog) -> None:
    async with aclosing(client.updates()) as updates:
        async for update in updates:
            log.take(update)


if __name__ == "__main__":
    main()
