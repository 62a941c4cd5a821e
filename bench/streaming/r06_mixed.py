"""R6: facts and conflated latest values side by side: how late a fact is, and how old a tick is when it is shown."""

from __future__ import annotations

import asyncio
import time

from papertape.testkit.desk_server_command import Report, Rest
from papertape.testkit.desk_server_load import FACT_TOPIC, TICK_TOPIC, Load
from papertape.testkit.desk_server_process import desk_server_process
from papertape.testkit.light_client import light_clients
from streaming.figure import Figure, Options, Outcome, quantile
from streaming.measured import OPEN_QUICKLY, is_complete, server_account, spread_ms

_CLIENTS, _TICKS, _SYMBOLS, _FACTS = 20, 1_000, 50, 200
_FACT_MS, _TICK_MS = 5.0, 120.0


async def measure(options: Options) -> Outcome:
    """Measure it."""
    seconds = options.seconds_or(8.0, 60.0)
    async with (
        desk_server_process(OPEN_QUICKLY) as server,
        light_clients(server.port, _CLIENTS, [FACT_TOPIC, TICK_TOPIC], checked=_CLIENTS) as clients,
    ):
        await asyncio.sleep(0.5)  # let the handshakes' work end before the server's time is taken
        before, own = await server.ask(Report()), time.process_time()
        await server.ask(Load(seconds=seconds, facts_per_s=_FACTS, ticks_per_s=_TICKS, symbols=_SYMBOLS))
        after = await server.ask(Rest())
        await asyncio.sleep(1.0)  # the last latest values are on their way; how many there are cannot be known
        facts = [age for client in clients for age in client.fact_ages_ms]
        ticks = [age for client in clients for age in client.tick_ages_ms]
        whole = [is_complete(client, after.facts, FACT_TOPIC) for client in clients]
        figures = {
            "fact": spread_ms(facts), "tick_age": spread_ms(ticks), "facts_delivered": len(facts),
            "tick_values_delivered": len(ticks), "ticks_made": after.ticks * _CLIENTS,
            "clients_with_every_fact_in_order": sum(whole), **server_account(before, after),
            "clients_cpu_pct_of_a_core": round(100 * (time.process_time() - own) / (after.at - before.at), 1),
        }  # fmt: skip
    fact, tick = quantile(facts, 0.99), quantile(ticks, 0.99)
    missed = [f"facts p99 {fact:.1f} ms"] * (fact > _FACT_MS) + [f"ticks p99 {tick:.0f} ms"] * (tick > _TICK_MS)
    missed += ["a client's facts are not whole or not in order"] * (not all(whole))
    return Outcome(figures=figures, method=_METHOD, is_reached=not missed, shortfall=", ".join(missed))


_METHOD = (
    "Facts and rows carry the monotonic moment they were made; the age is taken when a client finds them in a frame. A "
    "tick's age is that of every row a client is sent: of several changes of a symbol in 100 ms it sees the last."
)
FIGURE = Figure(
    number="R6",
    what="1,000 ticks/s over 50 symbols conflated, and 200 facts/s, to 20 clients",
    target="facts p99 ≤ 5 ms, tick age p99 ≤ 120 ms",
    measure=measure,
)
