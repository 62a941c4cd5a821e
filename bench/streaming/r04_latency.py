"""R4: how long a fact takes to a hundred clients at a hundred a second, and what the server spends on it."""

from __future__ import annotations

import asyncio
import time

from papertape.testkit.desk_server_command import Report, Rest
from papertape.testkit.desk_server_load import FACT_TOPIC, Load
from papertape.testkit.desk_server_process import desk_server_process
from papertape.testkit.light_client import light_clients
from streaming.figure import Figure, Options, Outcome, quantile
from streaming.measured import OPEN_QUICKLY, all_have, is_complete, server_account, spread_ms

_CLIENTS, _PER_S, _BYTES = 100, 100, 300
_P99_MS, _CPU_PCT = 5.0, 25.0


async def measure(options: Options) -> Outcome:
    """Measure it."""
    seconds = options.seconds_or(8.0, 60.0)
    async with (
        desk_server_process(OPEN_QUICKLY) as server,
        light_clients(server.port, _CLIENTS, [FACT_TOPIC], checked=5) as clients,
    ):
        await asyncio.sleep(1.0)  # let the handshakes' work end before the server's time is taken
        before, own = await server.ask(Report()), time.process_time()
        await server.ask(Load(seconds=seconds, facts_per_s=_PER_S, fact_bytes=_BYTES))
        after = await server.ask(Rest())
        own = time.process_time() - own
        await all_have(clients, after.facts)
        ages = [age for client in clients for age in client.fact_ages_ms]
        whole = all(is_complete(client, after.facts) for client in clients[:5])
        account = server_account(before, after)
        lost = sum(after.facts - client.pubs for client in clients)
        figures = {
            **spread_ms(ages), "deliveries": len(ages), "lost": lost, "deliveries_per_s": round(len(ages) / seconds),
            "bytes_a_message": round(sum(client.bytes for client in clients) / max(1, len(ages))), **account,
            "clients_cpu_pct_of_a_core": round(100 * own / (after.at - before.at), 1),
        }  # fmt: skip
    p99, cpu = quantile(ages, 0.99), account["server_cpu_pct_of_a_core"]
    missed = [f"p99 {p99:.1f} ms"] * (p99 > _P99_MS) + [f"{cpu} % of a core"] * (cpu > _CPU_PCT)
    missed += [f"{lost} lost"] * bool(lost) + ["a checked client's order is wrong"] * (not whole)
    return Outcome(figures=figures, method=_METHOD, is_reached=not missed, shortfall=", ".join(missed))


_METHOD = (
    "One process serves, one holds all clients. Each fact carries the monotonic moment just before it is given to the "
    "hub; its age is taken when the client finds it in a frame. The server's CPU includes making the facts."
)
FIGURE = Figure(
    number="R4",
    what="latency of 100 clients at 100 messages/s of 300 bytes each",
    target="p99 ≤ 5 ms, ≤ 25 % of a core for the server",
    measure=measure,
)
