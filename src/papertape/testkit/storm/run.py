"""Runs one scenario: starts what it names, lets it happen, heals everything, waits for rest and judges."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from functools import partial
from typing import Any, assert_never

import msgspec

from papertape.testkit.fault_proxy import FaultProxy
from papertape.testkit.faults import Script, random_script
from papertape.testkit.storm.audit import audit_clients, audit_server
from papertape.testkit.storm.desk import StormDesk
from papertape.testkit.storm.followers import Follower, RawFollower
from papertape.testkit.storm.host import Host
from papertape.testkit.storm.ledger import TaskLedger
from papertape.testkit.storm.offenders import Offender
from papertape.testkit.storm.scenario import (
    Act,
    Blocked,
    Burst,
    Crowd,
    MemoryShort,
    NewEpoch,
    Restart,
    Scenario,
    StoreDown,
    Unheard,
)
from papertape.testkit.storm.witness import Witness
from papertape.testkit.stream_probe import session_topic

_PATIENCE_S = 20.0  # for a busy machine; where all is well nobody waits for it
_STEP_S = 0.02
_MAX_FACTS_A_STEP = 15


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What one run of a scenario came to. `broken` is empty when everything held."""

    scenario: str
    seed: int
    broken: list[str]
    seen: dict[str, Any]  # counts under names, and the closes by code
    script: Script  # what the proxy did, and when


async def run_scenario(scenario: Scenario, seed: int, ledger: TaskLedger) -> Report:
    """Run a scenario once. The same seed makes the same choices."""
    return await asyncio.create_task(_run_alone(scenario, seed, ledger), name=f"storm {scenario.name}")


async def _run_alone(scenario: Scenario, seed: int, ledger: TaskLedger) -> Report:
    mark = f"{scenario.name}/{seed}/{time.monotonic_ns()}"
    ledger.begin(mark)
    run = _Run(scenario, seed)
    broken = await run.whole()
    left = await ledger.left(mark, _PATIENCE_S / 4)
    broken += [f"a task is left: {name}" for name in left]
    return Report(scenario=scenario.name, seed=seed, broken=broken, seen=run.seen(), script=tuple(run.proxy.script))


class _Run:
    def __init__(self, scenario: Scenario, seed: int) -> None:
        self._scenario = scenario
        self._seed = seed
        self._chance = random.Random(f"{scenario.name}/{seed}")
        self._desk = StormDesk(random.Random(f"{scenario.name}/{seed}/desk"))
        self._followers: list[Follower | RawFollower] = []
        self._offenders: list[Offender] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._started = time.monotonic()
        self.proxy = FaultProxy(seed=self._chance.randrange(2**32))
        self.host = Host(self._desk, scenario.limits, self.proxy)

    async def whole(self) -> list[str]:
        broken: list[str] = []
        async with self.proxy, self.host:
            self._desk.write(self._scenario.load.before, self._scenario.load.text_chars)
            for crowd in self._scenario.crowds:
                self._gather(crowd)
            try:
                broken += await self._happen()
            finally:
                for task in self._tasks:
                    task.cancel()
                ends = await asyncio.gather(*self._tasks, return_exceptions=True)
            broken += [f"a client failed: {end!r}" for end in ends if isinstance(end, Exception)]
            await self.proxy.close()
            broken += await self._come_to_rest()
            broken += audit_clients(self._scenario, self._followers, self._offenders)
        broken += audit_server(self._scenario, self.host)
        return broken

    def _gather(self, crowd: Crowd) -> None:
        topics = tuple(session_topic(name) for name in crowd.topics)
        for number in range(crowd.count):
            chance = random.Random(self._chance.random())
            name = f"{crowd.kind}-{len(self._tasks) + 1}"
            if crowd.kind in ("follower", "chooser"):
                follower = Follower(
                    crowd.kind,
                    self.proxy.port,
                    Witness(name, topics),
                    crowd.carriers,
                    chance.randrange(2**32),
                    is_patient=self._scenario.promise.undisturbed,
                )
                self._followers.append(follower)
                self._tasks.append(asyncio.create_task(follower.run(), name=name))
            elif crowd.kind in ("slow", "churner", "blinker"):
                raw = RawFollower(crowd.kind, self.proxy.port, Witness(name, topics), chance)
                self._followers.append(raw)
                self._tasks.append(asyncio.create_task(raw.run(), name=name))
            else:
                offender = Offender(crowd.kind, self.proxy.port, topics, self._scenario.limits, chance)
                self._offenders.append(offender)
                self._tasks.append(asyncio.create_task(offender.run(), name=f"{name}-{number}"))

    async def _happen(self) -> list[str]:
        started = [follower.witness.until(follower.witness.is_started, _PATIENCE_S) for follower in self._followers]
        if not all(await asyncio.gather(*started)):
            return ["not every follower had its first snapshots in time"]
        load = self._scenario.load
        chaos = self._scenario.chaos
        script = (*self._scenario.script, *random_script(self._chance, chaos.faults, chaos.all_at_once, load.seconds))
        async with asyncio.TaskGroup() as group:
            group.create_task(self._publish())
            group.create_task(self.proxy.play(tuple(sorted(script, key=lambda step: step.at_s))))
            group.create_task(self._cut_singly())
            for act in self._scenario.acts:
                group.create_task(self._act(act))
        self._heal()
        return await self._settle()

    async def _publish(self) -> None:
        load = self._scenario.load
        loop = asyncio.get_running_loop()
        started = loop.time()
        facts = values = 0.0
        while (elapsed := loop.time() - started) < load.seconds or (
            elapsed < load.seconds + _PATIENCE_S and self._is_awaited()
        ):
            # what a busy machine kept from being published in time is left out: at once it would be a burst
            facts = max(facts, elapsed * load.facts_per_s - _MAX_FACTS_A_STEP)
            while facts < elapsed * load.facts_per_s:
                count = self._chance.randint(1, load.batch)
                self._desk.write(count, load.text_chars)
                facts += count
            while values < elapsed * load.values_per_s:
                self._desk.change(self._chance.choice(("watchlist", "indicators")))
                values += 1
            self.host.look()
            await asyncio.sleep(_STEP_S)

    def _is_awaited(self) -> bool:
        """Return whether something that was promised has not happened yet, as on a busy machine."""
        promise = self._scenario.promise
        codes = {record.code for record in self.host.ended()} if promise.closes else set()
        return (
            any(code not in codes for code in promise.closes)
            or any(offender.is_owed for offender in self._offenders)
            or any(promise.every_follower_cut and one.client.connects < 2 for one in self._libraries())
            or any(promise.falls_back and not one.has_fallen_back for one in self._libraries())
        )

    def _libraries(self) -> list[Follower]:
        return [one for one in self._followers if isinstance(one, Follower)]

    async def _cut_singly(self) -> None:
        moments = sorted(
            self._chance.uniform(0, self._scenario.load.seconds) for _ in range(self._scenario.chaos.singles)
        )
        started = asyncio.get_running_loop().time()
        for moment in moments:
            await asyncio.sleep(started + moment - asyncio.get_running_loop().time())
            self.proxy.random_cut_of_one()

    async def _act(self, act: Act) -> None:
        await asyncio.sleep(act.at_s)
        if isinstance(act, Restart):
            await self.host.restart(act.pause_s)
        elif isinstance(act, NewEpoch):
            self._desk.lose_history()
        elif isinstance(act, StoreDown):
            self._desk.is_store_down = True
            await asyncio.sleep(act.for_s)
            self._desk.is_store_down = False
        elif isinstance(act, Unheard):
            self._desk.is_unheard = True
            await asyncio.sleep(act.for_s)
            self._desk.is_unheard = False
        elif isinstance(act, Burst):
            self._desk.write(act.facts, self._scenario.load.text_chars)
        elif isinstance(act, Blocked):
            _block(act.for_s)
        elif isinstance(act, MemoryShort):
            self.host.memory_share = act.share
            await asyncio.sleep(act.for_s)
            self.host.memory_share = 0.1
        else:
            assert_never(act)

    def _heal(self) -> None:
        self.proxy.heal()
        self._desk.is_store_down = self._desk.is_unheard = False
        if self._chance.random() < 0.5 and not self._scenario.load.ends_silently:
            self._desk.write(1, self._scenario.load.text_chars)
        for follower in self._followers:
            follower.hurry()

    async def _settle(self) -> list[str]:
        witnesses = [follower.witness for follower in self._followers]
        lost = await self._not_back()
        await asyncio.gather(*(one.until(partial(one.is_settled, self._desk), _PATIENCE_S) for one in witnesses))
        lost += [f"{one.name} did not catch up: {gap}" for one in witnesses for gap in one.gaps(self._desk)]
        for _ in range(round(_PATIENCE_S / _STEP_S)):  # one that was welcomed may be on its way to its end
            if len((await self.host.told()).live) >= len(witnesses):
                return lost
            await asyncio.sleep(_STEP_S)
        return [*lost, f"the desk does not show {len(witnesses)} live connections although so many follow it"]

    async def _not_back(self) -> list[str]:
        """Wait until every client of the library is connected as it likes best; return those that are not."""
        libraries = self._libraries()
        for _ in range(round(_PATIENCE_S / _STEP_S)):
            if all(one.is_home for one in libraries):
                break
            await asyncio.sleep(_STEP_S)
        return [
            f"{one.witness.name} is {one.client.status().phase} by {one.client.status().transport} in the end"
            for one in libraries
            if not one.is_home
        ]

    async def _come_to_rest(self) -> list[str]:
        try:
            async with asyncio.timeout(_PATIENCE_S / 4):
                await self.host.hub.idle.wait()
        except TimeoutError:
            return ["subscribers are left five seconds after the last client went"]
        limits = self._scenario.limits
        await asyncio.sleep(limits.idle_channel_s + 3 * limits.tick_s)
        reads = self._desk.reads
        await asyncio.sleep(3 * limits.slow_refresh_s)
        if self._desk.reads != reads:
            return ["the desk is still asked for values that nobody follows"]
        return []

    def seen(self) -> dict[str, Any]:
        ended = self.host.ended()
        closes = Counter(f"{record.closed_by} {record.code}" for record in ended)
        libraries = [one.client for one in self._libraries()]
        return {
            "seconds": round(time.monotonic() - self._started, 2),
            "facts": self._desk.published,
            "followers": len(self._followers),
            "delivered": sum(one.witness.taken for one in self._followers),
            "connects": sum(one.connects for one in libraries),
            "resumes": sum(one.resumes for one in libraries),
            "snapshots": sum(one.snapshots for one in libraries),
            "duplicates_dropped": sum(one.duplicates for one in libraries),
            "holes_found": sum(one.holes for one in libraries),
            "faults": sum(1 for step in self.proxy.script if step.fault is not None),
            "connections": self.proxy.accepted,
            "worst_queue_bytes": self.host.worst_queue_bytes,
            "closes": dict(sorted(closes.items())),
            "offences": sum(one.offences for one in self._offenders),
        }


def _block(seconds: float) -> None:
    time.sleep(seconds)
