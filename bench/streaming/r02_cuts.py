"""R2: random cuts of every kind over twenty clients while facts come: nothing lost, doubled or out of order."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from itertools import pairwise
from typing import Any

import msgspec

from papertape.client.backoff import Backoff
from papertape.client.limits import ClientLimits
from papertape.client.stream_client import StreamClient
from papertape.testkit.desk_server_command import Report, Rest
from papertape.testkit.desk_server_load import FACT_TOPIC, Load
from papertape.testkit.desk_server_process import desk_server_process
from papertape.testkit.fact_log import FactLog
from papertape.testkit.fault_proxy import FaultProxy
from streaming.figure import Figure, Options, Outcome
from streaming.measured import OPEN_QUICKLY, server_account

_CLIENTS = 20
_FACTS_PER_S = 200.0
_CUTS_PER_S = 10.0
_CATCH_UP_S = 30.0
# Silence is noticed after a second instead of 45, so that a thousand cuts take two minutes.
_SERVER = msgspec.structs.replace(OPEN_QUICKLY, heartbeat_s=0.25)
_CLIENT = ClientLimits(dead_s=1.0, grace_s=0.5, deadline_s=2.0, late_s=0.2, alive_s=0.0)
_BACKOFF = Backoff(floor_s=0.0, step_s=0.02, limit_s=0.1, at_once_s=0.02)


class _Follower:
    def __init__(self, port: int, number: int, seed: int) -> None:
        self.log = FactLog([FACT_TOPIC])
        self.client = StreamClient(
            f"ws://127.0.0.1:{port}/api/stream",
            [FACT_TOPIC],
            tab=f"cut-{number}",
            carriers=("websocket",),
            limits=_CLIENT,
            backoff=_BACKOFF,
            seed=seed + number,
        )

    def judge(self, facts: int) -> Counter[str]:
        seqs = self.log.seqs[FACT_TOPIC]
        return Counter(
            lost=facts - len({*seqs} & {*range(1, facts + 1)}),
            duplicated=len(seqs) - len({*seqs}),
            out_of_order=sum(later < earlier for earlier, later in pairwise(seqs)),
            snapshots_after_the_first=self.client.snapshots - 1,
        )


async def measure(options: Options) -> Outcome:
    """Measure it."""
    cuts = options.rounds_or(60, 1_000)
    async with (
        FaultProxy(seed=options.seed) as proxy,
        desk_server_process(_SERVER, reached_by=(proxy.port,)) as server,
    ):
        proxy.target_port = server.port
        followers = [_Follower(proxy.port, number, options.seed) for number in range(_CLIENTS)]
        following = [asyncio.create_task(follower.log.follow(follower.client)) for follower in followers]
        await asyncio.gather(*(follower.log.reached(0) for follower in followers))
        before = await server.ask(Report())
        await server.ask(Load(seconds=cuts / _CUTS_PER_S, facts_per_s=_FACTS_PER_S))
        kinds = await _cut(proxy, cuts, options.seed)
        facts = (await server.ask(Rest())).facts
        await asyncio.gather(*(_caught_up(follower, facts) for follower in followers))
        after = await server.ask(Report())
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
    found = sum((follower.judge(facts) for follower in followers), Counter[str]())
    faults = {name: found[name] for name in ("lost", "duplicated", "out_of_order", "snapshots_after_the_first")}
    figures: dict[str, Any] = {
        **faults,
        "cuts": dict(sorted(kinds.items())),
        "facts": facts,
        "delivered": sum(follower.log.count for follower in followers),
        "connects": sum(follower.client.connects for follower in followers),
        "resumed": sum(follower.client.resumes for follower in followers),
        **server_account(before, after),
    }
    missed = [f"{count} {name.replace('_', ' ')}" for name, count in faults.items() if count]
    return Outcome(figures=figures, method=_METHOD, is_reached=not missed, shortfall=", ".join(missed))


async def _cut(proxy: FaultProxy, cuts: int, seed: int) -> Counter[str]:
    chance = random.Random(seed)
    kinds: Counter[str] = Counter()
    while kinds.total() < cuts:
        await asyncio.sleep(chance.expovariate(_CUTS_PER_S))
        kind = proxy.random_cut_of_one()
        kinds.update([kind] if kind is not None else [])
    return kinds


async def _caught_up(follower: _Follower, facts: int) -> None:
    try:
        await follower.log.reached(facts, _CATCH_UP_S)
    except TimeoutError:
        return  # the judgement counts what is missing


_METHOD = (
    f"{_CLIENTS} clients follow a topic through the fault proxy while {_FACTS_PER_S:g} facts a second are published. "
    f"{_CUTS_PER_S:g} times a second, at random, one connection is cut: by reset, FIN, black hole (both sides stay "
    "open) or half-open (one side is gone, the other not told). Silence is taken for death after 1 s and a probe of "
    "0.5 s instead of 45 s and 10 s. Then all must have every fact once and in order."
)
FIGURE = Figure(
    number="R2",
    what="1,000 random cuts over 20 clients at 200 facts/s",
    target="0 lost, 0 duplicated, 0 out of order, all resumed",
    measure=measure,
)
