"""R13: WebSocket is blocked on the way: how soon data comes by another carrier, and how soon by WebSocket again."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from itertools import pairwise
from typing import Any

import msgspec

from papertape.client.backoff import Backoff
from papertape.client.limits import ClientLimits
from papertape.client.stream_client import StreamClient, Update
from papertape.testkit.desk_server_command import Publish
from papertape.testkit.desk_server_load import FACT_TOPIC
from papertape.testkit.desk_server_process import DeskServerProcess, desk_server_process
from papertape.testkit.fault_proxy import FaultProxy
from papertape.testkit.faults import CutUpgrade, HangUpgrade, RefuseUpgrade, UpgradeFault
from papertape.wire.stream import Pub, Snap
from streaming.figure import Figure, Options, Outcome

_FALLBACK_S, _BACK_S = 35.0, 60.0
_SHORT_SCALE = 0.1
_FACTS_EVERY_S = 0.1
_BLOCKED_S = 20.0
_STAYS_S = 12.0
_CUT_AFTER_S = 0.5


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """How WebSocket is blocked. With `live_s` it is only after it worked for so long."""

    name: str
    fault: UpgradeFault
    live_s: float = 0.0


class Watch:
    """What one client was shown and when its carrier changed; seconds of the monotonic clock."""

    def __init__(self, client: StreamClient) -> None:
        self.client = client
        self.seqs: list[int] = []
        self.carriers: list[tuple[float, str]] = []
        self.fallback_s: float | None = None
        self.back_s: float | None = None
        self._moved = asyncio.Event()

    async def follow(self) -> None:
        """Keep what comes until cancelled."""
        async with aclosing(self.client.updates()) as updates:
            async for update in updates:
                self._keep(update)

    def _keep(self, update: Update) -> None:
        if isinstance(update, Snap):
            self.seqs += [row["seq"] for row in update.data]
        elif isinstance(update, Pub):
            self.seqs.append(update.seq)
        carrier = self.client.status().transport
        if not self.carriers or self.carriers[-1][1] != carrier:
            self.carriers.append((time.monotonic(), carrier))
        self._moved.set()

    async def until(self, what: Callable[[], bool], seconds: float) -> bool:
        """Wait until something holds, looking whenever an update came; return whether it does."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not what():
                    self._moved.clear()
                    await self._moved.wait()
        return what()

    @property
    def is_on_fallback(self) -> bool:
        """Return whether data came by another carrier than WebSocket last."""
        return bool(self.carriers) and self.carriers[-1][1] != "websocket"

    def has_stayed(self, seconds: float) -> bool:
        """Return whether data has come by WebSocket for so long."""
        return not self.is_on_fallback and time.monotonic() - self.carriers[-1][0] >= seconds


async def measure(options: Options) -> Outcome:
    """Measure every way at the same time, each behind a proxy of its own."""
    scale = 1.0 if options.is_long else _SHORT_SCALE
    ways = _ways(scale, is_long=options.is_long)
    async with contextlib.AsyncExitStack() as stack:
        proxies = [await stack.enter_async_context(FaultProxy(seed=options.seed)) for _ in ways]
        ports = tuple(proxy.port for proxy in proxies)
        server = await stack.enter_async_context(desk_server_process(reached_by=ports))
        for proxy in proxies:
            proxy.target_port = server.port
        for way, proxy in zip(ways, proxies, strict=True):
            if not way.live_s:
                proxy.apply(way.fault)
        watches = [Watch(_client(proxy.port, scale, options.seed)) for proxy in proxies]
        stack.push_async_callback(_ended, [asyncio.create_task(watch.follow()) for watch in watches])
        async with _facts(server) as published:
            parts = zip(ways, proxies, watches, strict=True)
            await asyncio.gather(*(_blocked(way, proxy, watch, scale) for way, proxy, watch in parts))
        figures = {way.name: await _account(watch, published[-1]) for way, watch in zip(ways, watches, strict=True)}
    missed = [
        f"{name}: {what}"
        for name, figure in figures.items()
        for what in _misses(figure, scale, is_target=not name.startswith("live"))
    ]
    return Outcome(
        figures={"scale_of_the_clients_times": scale, **figures},
        method=_METHOD,
        is_reached=not missed,
        shortfall="; ".join(missed),
    )


def _ways(scale: float, *, is_long: bool) -> list[Way]:
    cut = CutUpgrade(after_s=_CUT_AFTER_S * scale)
    ways = [
        Way(name="answered_403", fault=RefuseUpgrade(status=403)),
        Way(name="hangs", fault=HangUpgrade()),
        Way(name="accepted_then_cut", fault=cut),
    ]
    return [*ways, Way(name="live_and_then_hangs", fault=HangUpgrade(), live_s=_STAYS_S)] if is_long else ways


async def _blocked(way: Way, proxy: FaultProxy, watch: Watch, scale: float) -> None:
    """Block WebSocket, wait for the fallback, unblock, wait for WebSocket."""
    began = time.monotonic()
    if way.live_s:
        await watch.until(lambda: bool(watch.carriers) and watch.has_stayed(way.live_s * scale), _BACK_S)
        proxy.apply(way.fault)
        proxy.cut("reset")
        began = time.monotonic()
    if await watch.until(lambda: watch.is_on_fallback, 2 * _FALLBACK_S * scale + 5):
        watch.fallback_s = watch.carriers[-1][0] - began
    await asyncio.sleep(_BLOCKED_S * scale)  # blocked for a while longer, so that a look for WebSocket fails too
    proxy.heal()
    healed = time.monotonic()
    if await watch.until(lambda: watch.has_stayed(_STAYS_S * scale), 2 * _BACK_S * scale + 5):
        watch.back_s = watch.carriers[-1][0] - healed


async def _account(watch: Watch, last: int) -> dict[str, Any]:
    await watch.until(lambda: bool(watch.seqs) and watch.seqs[-1] >= last, 10.0)
    expected = set(range(watch.seqs[0], last + 1)) if watch.seqs else {last}
    return {
        "data_by_fallback_s": None if watch.fallback_s is None else round(watch.fallback_s, 2),
        "back_on_websocket_s": None if watch.back_s is None else round(watch.back_s, 2),
        "facts": len(expected),
        "lost": len(expected - set(watch.seqs)),
        "doubled": len(watch.seqs) - len(set(watch.seqs)),
        "out_of_order": sum(after < before for before, after in pairwise(watch.seqs)),
        "carriers": [carrier for _, carrier in watch.carriers],
        "attempts_that_failed": sum(record.alive_s is None for record in watch.client.closes),
    }


async def _ended(following: list[asyncio.Task[None]]) -> None:
    for task in following:
        task.cancel()
    await asyncio.gather(*following, return_exceptions=True)


def _misses(figure: dict[str, Any], scale: float, *, is_target: bool) -> list[str]:
    limits = {"data_by_fallback_s": _FALLBACK_S * scale, "back_on_websocket_s": _BACK_S * scale}
    timed = limits if is_target else {}
    missed = [f"{name} {figure[name]}" for name, limit in timed.items() if figure[name] is None or figure[name] > limit]
    return missed + [f"{figure[name]} {name}" for name in ("lost", "doubled", "out_of_order") if figure[name]]


def _client(port: int, scale: float, seed: int) -> StreamClient:
    usual, waits = ClientLimits(), Backoff()
    limits = ClientLimits(
        deadline_s=usual.deadline_s * scale,
        alive_s=usual.alive_s * scale,
        probes_s=tuple(seconds * scale for seconds in usual.probes_s),
        early_probe_s=usual.early_probe_s * scale,
    )
    backoff = Backoff(
        floor_s=waits.floor_s * scale,
        step_s=waits.step_s * scale,
        limit_s=waits.limit_s * scale,
        stable_s=waits.stable_s * scale,
        at_once_s=waits.at_once_s * scale,
    )
    return StreamClient(f"http://127.0.0.1:{port}/api/stream", [FACT_TOPIC], backoff=backoff, limits=limits, seed=seed)


@contextlib.asynccontextmanager
async def _facts(server: DeskServerProcess) -> AsyncIterator[list[int]]:
    """Publish facts while the block runs; yield the list of seqs so far."""
    published = [0]
    is_over = asyncio.Event()

    async def publish() -> None:
        while not is_over.is_set():
            published.append((await server.ask(Publish(count=1))).facts)
            await asyncio.sleep(_FACTS_EVERY_S)

    publishing = asyncio.create_task(publish())
    try:
        yield published
    finally:
        is_over.set()
        await publishing


_METHOD = (
    "The server runs in a process of its own and publishes ten facts a second; a Python client behind a fault proxy "
    "for each way, all at the same time. WebSocket is blocked from the start (in the third way accepted, and cut "
    f"{_CUT_AFTER_S} s later) until {_BLOCKED_S:.0f} s after the first data by a fallback; back is the moment from "
    f"which data came by WebSocket for {_STAYS_S:.0f} s without a break. Every seq from the first snapshot on is "
    "expected once and in order. The short form scales every time of the client and of the target by a tenth. The "
    f"long form also tells, without a target, of a client whose WebSocket worked for {_STAYS_S:.0f} s before it was "
    "reset and hung: its first end is no failure, so that it waits once more."
)
FIGURE = Figure(
    number="R13",
    what="WebSocket blocked on the way, Python client: data by a fallback, and back after unblocking",
    target="data by fallback ≤ 35 s, back on WebSocket ≤ 60 s after unblocking, 0 lost",
    measure=measure,
)
