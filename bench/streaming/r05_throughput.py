"""R5: how many publications a second reach a hundred clients when facts come as fast as the slowest one reads."""

from __future__ import annotations

import asyncio
import time

from papertape.testkit.desk_server_command import Report, Rest
from papertape.testkit.desk_server_load import FACT_TOPIC, Load
from papertape.testkit.desk_server_process import desk_server_process
from papertape.testkit.light_client import light_clients
from streaming.figure import Figure, Options, Outcome
from streaming.measured import OPEN_QUICKLY, all_have, is_complete, server_account

_CLIENTS, _BYTES, _BURST = 100, 300, 10
_TARGET = 100_000


async def measure(options: Options) -> Outcome:
    """Measure it with clients that take several messages a frame, and once with clients that take one."""
    seconds = options.seconds_or(5.0, 30.0)
    joined, shortfall = await _round(seconds, is_batch=True)
    single, _ = await _round(seconds / 2, is_batch=False)
    figures = {"joined": joined, "one_message_a_frame": single}
    return Outcome(figures=figures, method=_METHOD, is_reached=not shortfall, shortfall=shortfall)


async def _round(seconds: float, *, is_batch: bool) -> tuple[dict[str, object], str]:
    async with (
        desk_server_process(OPEN_QUICKLY) as server,
        light_clients(server.port, _CLIENTS, [FACT_TOPIC], batch=is_batch, keeps_ages=False, checked=3) as clients,
    ):
        await asyncio.sleep(0.5)  # let the handshakes' work end before the server's time is taken
        before, own = await server.ask(Report()), time.process_time()
        await server.ask(Load(seconds=seconds, is_greedy=True, burst=_BURST, fact_bytes=_BYTES))
        after = await server.ask(Rest())
        await all_have(clients, after.facts)
        took = time.monotonic() - before.at
        pubs = sum(client.pubs for client in clients)
        lost = after.facts * _CLIENTS - pubs
        whole = all(is_complete(client, after.facts) for client in clients[:3])
        figures = {
            "deliveries_per_s": round(pubs / took), "facts_per_s": round(after.facts / took), "lost": lost,
            "messages_a_frame": round(pubs / max(1, sum(client.frames for client in clients)), 1),
            "mb_per_s": round(sum(client.bytes for client in clients) / took / 1e6, 1),
            "closed": sum(client.closed.is_set() for client in clients), **server_account(before, after),
            "clients_cpu_pct_of_a_core": round(100 * (time.process_time() - own) / took, 1),
        }  # fmt: skip
    rate = pubs / took
    missed = [f"{rate:,.0f}/s"] * (rate < _TARGET) + [f"{lost} lost"] * bool(lost)
    return figures, ", ".join(missed + ["a checked client's order is wrong"] * (not whole))


_METHOD = (
    f"Facts are handed to the hub {_BURST} at a time, again whenever no client has 500 messages waiting; what "
    "counts is what the clients have received when the last has everything, over the whole time. All bounds hold."
)
FIGURE = Figure(
    number="R5",
    what="deliveries a second to 100 clients, queues on",
    target="≥ 100,000 deliveries/s",
    measure=measure,
)
