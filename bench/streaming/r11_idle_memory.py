"""R11: what a connection that waits costs the server in memory, and how much of it is uvicorn's."""

from __future__ import annotations

import asyncio
import resource

from papertape.testkit.desk_server_command import Report
from papertape.testkit.desk_server_load import FACT_TOPIC, TICK_TOPIC
from papertape.testkit.desk_server_process import desk_server_process
from papertape.testkit.light_client import light_clients
from papertape.testkit.stream_probe import session_topic
from streaming.figure import Figure, Options, Outcome
from streaming.measured import OPEN_QUICKLY

_TOPICS = (FACT_TOPIC, TICK_TOPIC, session_topic("fills"), session_topic("equity"), "desk/system")
_WARM, _TARGET_KB = 100, 32.0


async def measure(options: Options) -> Outcome:
    """Measure it, and the same with an endpoint that accepts and does nothing."""
    count = options.rounds_or(1_000, 1_000)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4 * count)), hard))
    full, tasks = await _per_connection(count, is_bare=False)
    bare, _ = await _per_connection(count, is_bare=True)
    figures = {
        "kb_a_connection": full, "of_it_uvicorn_with_a_bare_endpoint_kb": bare, "connections": count,
        "topics": len(_TOPICS), "server_tasks": tasks,
    }  # fmt: skip
    missed = f"{full} KB" if full > _TARGET_KB else ""
    return Outcome(figures=figures, method=_METHOD, is_reached=not missed, shortfall=missed)


async def _per_connection(count: int, *, is_bare: bool) -> tuple[float, int]:
    async with desk_server_process(OPEN_QUICKLY, is_bare=is_bare) as server:
        topics = () if is_bare else _TOPICS
        async with light_clients(server.port, _WARM, topics, waits=not is_bare):
            await asyncio.sleep(1.0)  # let the handshakes' work end
            before = await server.ask(Report())
            async with light_clients(server.port, count, topics, waits=not is_bare):
                await asyncio.sleep(3.0)  # a few flushes and beats, as in use
                after = await server.ask(Report())
    return round((after.rss_kb - before.rss_kb) / count, 1), after.tasks


_METHOD = (
    f"The server's resident memory with {_WARM} connections and with a thousand more, each welcomed and subscribed to "
    f"{len(_TOPICS)} topics, some seconds after the last came; divided by a thousand. Kernel buffers are not in it."
)
FIGURE = Figure(
    number="R11",
    what="memory of the server for a connection that waits (1,000 of them)",
    target="≤ 32 KB",
    measure=measure,
)
