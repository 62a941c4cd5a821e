"""R3: how long a cut client needs until it is connected again and has what it missed."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from papertape.client.backoff import Backoff
from papertape.client.stream_client import StreamClient
from papertape.testkit.desk_server_command import Publish, Report
from papertape.testkit.desk_server_load import FACT_TOPIC
from papertape.testkit.desk_server_process import DeskServerProcess, desk_server_process
from papertape.testkit.fact_log import FactLog
from papertape.testkit.fault_proxy import FaultProxy
from streaming.figure import Figure, Options, Outcome, quantile
from streaming.measured import OPEN_QUICKLY, server_account, spread_ms

_FACTS = 5
_P50_MS, _P99_MS = 100.0, 500.0
_NO_WAITING = Backoff(floor_s=0, step_s=0, at_once_s=0)
_AFTER_LONG_LIFE = Backoff(stable_s=0)  # the client's own waits, as for a connection that had been stable


async def measure(options: Options) -> Outcome:
    """Measure it without the client's waiting, and a few times with it."""
    rounds = options.rounds_or(100, 500)
    async with (
        FaultProxy(seed=options.seed) as proxy,
        desk_server_process(OPEN_QUICKLY, reached_by=(proxy.port,)) as server,
    ):
        proxy.target_port = server.port
        before = await server.ask(Report())
        took, faults = await _rounds(server, proxy, rounds, _NO_WAITING, options.seed)
        waited, further = await _rounds(server, proxy, max(3, rounds // 20), _AFTER_LONG_LIFE, options.seed)
        after = await server.ask(Report())
    lost, doubled = faults[0] + further[0], faults[1] + further[1]
    figures: dict[str, Any] = {
        **spread_ms(took), "rounds": rounds, "lost": lost, "doubled": doubled,
        "with_the_clients_own_backoff": {**spread_ms(waited), "rounds": len(waited)}, **server_account(before, after),
    }  # fmt: skip
    p50, p99 = quantile(took, 0.5), quantile(took, 0.99)
    missed = [f"p50 {p50:.0f} ms"] * (p50 > _P50_MS) + [f"p99 {p99:.0f} ms"] * (p99 > _P99_MS)
    missed += [f"{lost} lost, {doubled} doubled"] * bool(lost or doubled)
    return Outcome(figures=figures, method=_METHOD, is_reached=not missed, shortfall=", ".join(missed))


async def _rounds(
    server: DeskServerProcess, proxy: FaultProxy, rounds: int, backoff: Backoff, seed: int
) -> tuple[list[float], tuple[int, int]]:
    url = f"ws://127.0.0.1:{proxy.port}/api/stream"
    client = StreamClient(url, [FACT_TOPIC], backoff=backoff, seed=seed, carriers=("websocket",))
    log = FactLog([FACT_TOPIC])
    following = asyncio.create_task(log.follow(client))
    first = (await server.ask(Report())).facts
    await log.reached(min(first, 200))  # a first subscription is answered with the newest 200
    known, took = log.count, []
    for done in range(1, rounds + 1):
        began = time.perf_counter()
        if proxy.cut("reset") != 1:
            raise AssertionError("the client was not connected when it was to be cut")
        await server.ask(Publish(count=_FACTS))
        await log.reached(known + done * _FACTS)
        took.append((time.perf_counter() - began) * 1000)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    seen = log.seqs[FACT_TOPIC][known:]
    expected = range(first + 1, first + rounds * _FACTS + 1)
    return took, (len(set(expected) - set(seen)), len(seen) - len(set(seen)))


_METHOD = (
    f"Each round resets the connection at a proxy, publishes {_FACTS} facts, and stops the watch when the client has "
    "the last. The client's waits between attempts are set to nothing, so that the figure is reconnection and catch-up "
    "alone; some rounds are measured with the waits it has after a connection that was stable."
)
FIGURE = Figure(
    number="R3",
    what="from a reset connection to the last missed fact",
    target="p50 ≤ 100 ms, p99 ≤ 500 ms, without the client's own waiting",
    measure=measure,
)
