"""The server of the measurements: a process of its own that publishes on request and says what that cost."""

from __future__ import annotations

import asyncio

from papertape.server.settings import StreamLimits
from papertape.testkit.desk_server_command import Publish, Report, Rest
from papertape.testkit.desk_server_load import FACT_TOPIC, TICK_TOPIC, Load
from papertape.testkit.desk_server_process import desk_server_process
from papertape.testkit.light_client import light_clients


async def test_a_load_reaches_every_light_client_whole_in_order_and_with_its_age() -> None:
    limits = StreamLimits(new_connections_per_s=1_000.0)
    async with desk_server_process(limits) as server:
        before = await server.ask(Report())
        async with light_clients(server.port, 3, [FACT_TOPIC, TICK_TOPIC], checked=3) as clients:
            await server.ask(Load(seconds=0.5, facts_per_s=100.0, ticks_per_s=100.0, symbols=5))
            loaded = await server.ask(Rest())
            last = (await server.ask(Publish(count=5))).facts
            async with asyncio.timeout(30):
                for client in clients:
                    while client.seqs.get(FACT_TOPIC.encode(), [0])[-1] < last:
                        await client.reached(client.pubs + 1)
        seen = [client.seqs[FACT_TOPIC.encode()] for client in clients]
    assert seen == [[*range(1, last + 1)]] * 3
    assert last == loaded.facts + 5
    assert all(len(client.fact_ages_ms) == last and min(client.fact_ages_ms) > 0 for client in clients)
    assert all(client.tick_ages_ms for client in clients)
    assert (before.connections, loaded.connections, loaded.cpu_s > before.cpu_s) == (0, 3, True)
