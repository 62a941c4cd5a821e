"""R7: one client stops reading; what the others notice, how it is closed, and whether it loses anything."""

from __future__ import annotations

import asyncio

from papertape.testkit.desk_server_command import Report, Rest
from papertape.testkit.desk_server_load import FACT_TOPIC, Load
from papertape.testkit.desk_server_process import DeskServerProcess, desk_server_process
from papertape.testkit.fake_desk import EPOCH
from papertape.testkit.light_client import LightClient, light_client, light_clients
from papertape.wire.stream import SubRequest
from streaming.figure import Figure, Options, Outcome
from streaming.measured import OPEN_QUICKLY, all_have, is_complete, server_account

_OTHERS, _PER_S, _BYTES = 20, 200, 2_500
_SILENCE_MS, _SLOW_CONSUMER = 100.0, 4101
_TOPIC = FACT_TOPIC.encode()


async def measure(options: Options) -> Outcome:
    """Measure it."""
    seconds = options.seconds_or(12.0, 60.0)
    async with (
        desk_server_process(OPEN_QUICKLY) as server,
        light_clients(server.port, _OTHERS, [FACT_TOPIC], checked=_OTHERS) as others,
    ):
        stuck = await light_client(server.port, [FACT_TOPIC], keeps_seqs=True, receive_buffer=65_536)
        before = await server.ask(Report())
        await server.ask(Load(seconds=seconds, facts_per_s=_PER_S, fact_bytes=_BYTES))
        await asyncio.sleep(1.0)  # everybody reads
        for client in others:
            client.reset_silence()
        stuck.transport.pause_reading()
        closed_after = await _until_dropped(server, _OTHERS, seconds - 3.0)
        stuck.transport.resume_reading()
        await asyncio.wait_for(stuck.closed.wait(), 15.0)
        silences = [client.longest_silence_s * 1000 for client in others]
        came_back = await _come_back(server, stuck)
        after = await server.ask(Rest())
        await all_have([*others, came_back], after.facts - len(stuck.seqs[_TOPIC]))
        seen = stuck.seqs[_TOPIC] + came_back.seqs[_TOPIC]
        whole = [is_complete(client, after.facts) for client in others]
        figures = {
            "others_longest_silence_ms": round(max(silences), 1), "close_code": stuck.close_code,
            "closed_after_s": round(closed_after, 1), "seen_before_the_close": len(stuck.seqs[_TOPIC]),
            "resumed": len(came_back.seqs[_TOPIC]), "lost": after.facts - len(set(seen)),
            "doubled": len(seen) - len(set(seen)), "others_with_every_fact_in_order": sum(whole),
            **server_account(before, after),
        }  # fmt: skip
        came_back.transport.abort()
    missed = [f"the others were silent for {max(silences):.0f} ms"] * (max(silences) > _SILENCE_MS)
    missed += [f"it was closed with {stuck.close_code}"] * (stuck.close_code != _SLOW_CONSUMER)
    missed += ["it lost, doubled or disordered facts"] * (seen != [*range(1, after.facts + 1)])
    missed += ["another client lost facts"] * (not all(whole))
    return Outcome(figures=figures, method=_METHOD, is_reached=not missed, shortfall=", ".join(missed))


async def _until_dropped(server: DeskServerProcess, connections: int, timeout_s: float) -> float:
    began = asyncio.get_running_loop().time()
    while (passed := asyncio.get_running_loop().time() - began) < timeout_s:
        if (await server.ask(Report())).ending + connections > connections:
            break
        await asyncio.sleep(0.1)
    return passed


async def _come_back(server: DeskServerProcess, stuck: LightClient) -> LightClient:
    position = SubRequest(topic=FACT_TOPIC, epoch=EPOCH, seq=stuck.seqs[_TOPIC][-1])
    return await light_client(server.port, [position], keeps_seqs=True)


_METHOD = (
    f"{_OTHERS} clients read {_PER_S} facts/s of {_BYTES} bytes; one more, with a receive buffer of 64 KB, stops "
    "reading until the server has ended its connection, reads what is left, and comes back with its position. The "
    "silence is the longest time between two frames of any other client meanwhile. Facts are so large that fewer than "
    "the 1,000 that a resume sends inline wait when the queue's megabyte is full."
)
FIGURE = Figure(
    number="R7",
    what="one client stops reading",
    target="the others' longest silence ≤ 100 ms; it is closed with 4101 and resumes without loss",
    measure=measure,
)
