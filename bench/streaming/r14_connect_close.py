"""R14: what is left after very many connections came and went."""

from __future__ import annotations

import asyncio
import random
import time

from papertape.testkit.desk_server_command import Report, ServerFigures
from papertape.testkit.desk_server_load import FACT_TOPIC, TICK_TOPIC
from papertape.testkit.desk_server_process import DeskServerProcess, desk_server_process
from papertape.testkit.light_client import light_client
from streaming.figure import Figure, Options, Outcome
from streaming.measured import OPEN_QUICKLY

_WARM, _AT_ONCE, _TARGET_MB = 1_000, 20, 10.0


async def measure(options: Options) -> Outcome:
    """Measure it."""
    cycles = options.rounds_or(2_000, 100_000)
    chance = random.Random(options.seed)
    async with desk_server_process(OPEN_QUICKLY) as server:
        empty = await server.ask(Report())
        await _cycle(server, _WARM, chance)
        before = await _settled(server, empty.tasks)
        began = time.monotonic()
        await _cycle(server, cycles, chance)
        took = time.monotonic() - began
        after = await _settled(server, empty.tasks)
    grown = round((after.rss_kb - before.rss_kb) / 1024, 2)
    left = after.tasks - empty.tasks
    figures = {
        "cycles": cycles, "cycles_per_s": round(cycles / took), "memory_grown_mb": grown, "tasks_left": left,
        "connections_left": after.connections, "rss_before_mb": round(before.rss_kb / 1024, 1),
        "rss_after_mb": round(after.rss_kb / 1024, 1), "server_worst_loop_lag_ms": after.worst_lag_ms,
    }  # fmt: skip
    missed = [f"+{grown} MB"] * (grown > _TARGET_MB) + [f"{left} tasks left"] * (left != 0)
    missed += [f"{after.connections} connections left"] * (after.connections != 0)
    return Outcome(figures=figures, method=_METHOD, is_reached=not missed, shortfall=", ".join(missed))


async def _cycle(server: DeskServerProcess, cycles: int, chance: random.Random) -> None:
    left = iter(range(cycles))
    ends = [chance.random() < 0.5 for _ in range(cycles)]

    async def one_after_another() -> None:
        for index in left:
            client = await light_client(server.port, [FACT_TOPIC, TICK_TOPIC])
            if ends[index]:
                client.transport.abort()
            else:
                client.close()
                await client.closed.wait()

    await asyncio.gather(*(one_after_another() for _ in range(_AT_ONCE)))


async def _settled(server: DeskServerProcess, tasks: int) -> ServerFigures:
    for _ in range(150):
        figures = await server.ask(Report())
        if figures.connections == 0 and figures.tasks <= tasks:
            break
        await asyncio.sleep(0.1)
    return figures


_METHOD = (
    f"{_AT_ONCE} clients connect, subscribe to two topics, read the answers and leave, by a closing handshake or a "
    "reset as the seed says, again and again; the server's limit on new connections is lifted. Memory is the "
    f"difference after {_WARM:,} cycles of warming up."
)
FIGURE = Figure(
    number="R14",
    what="memory and tasks left after very many connects and closes (100,000 in the long form)",
    target="≤ +10 MB, 0 tasks",
    measure=measure,
)
