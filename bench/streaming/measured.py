"""What the figures of throughput share: clients on one topic each asked for, and the server's own account."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Any

from papertape.server.settings import StreamLimits
from papertape.testkit.desk_server_command import ServerFigures
from papertape.testkit.desk_server_load import FACT_TOPIC
from papertape.testkit.desk_server_process import cpu_share
from papertape.testkit.light_client import LightClient
from streaming.figure import quantile

OPEN_QUICKLY = StreamLimits(new_connections_per_s=1e6)  # every other limit stays as it is in use


def server_account(before: ServerFigures, after: ServerFigures) -> dict[str, Any]:
    """Return the server's share of one core, its memory and its worst lag."""
    return {
        "server_cpu_pct_of_a_core": cpu_share(before, after),
        "server_rss_mb": round(after.rss_kb / 1024, 1),
        "server_tasks": after.tasks,
        "server_worst_loop_lag_ms": after.worst_lag_ms,
    }


def spread_ms(values: list[float]) -> dict[str, float]:
    """Return the median, the 99th percentile and the largest, in milliseconds."""
    return {
        "p50_ms": round(quantile(values, 0.5), 2),
        "p99_ms": round(quantile(values, 0.99), 2),
        "max_ms": round(max(values, default=0.0), 2),
    }


async def all_have(clients: Iterable[LightClient], pubs: int, timeout_s: float = 30.0) -> None:
    """Wait until every client has that many publications, or is closed, or time is up."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            for client in clients:
                await client.reached(pubs)


def is_complete(client: LightClient, last: int, topic: str = FACT_TOPIC) -> bool:
    """Return whether a client that keeps seqs saw the facts 1 to `last` once each and in order."""
    return client.seqs.get(topic.encode()) == [*range(1, last + 1)]
