"""R8: the server's event loop stands still, once for long and then again and again; does anybody lose a connection?"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import httpx
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from papertape.client.limits import ClientLimits
from papertape.client.stream_client import StreamClient
from papertape.server.settings import StreamLimits
from papertape.testkit.desk_server_command import Block, Publish, Report, ServerFigures
from papertape.testkit.desk_server_load import FACT_TOPIC
from papertape.testkit.desk_server_process import DeskServerProcess, desk_server_process
from papertape.testkit.fact_log import FactLog
from papertape.wire.http import Connections, StreamHealth, Transport
from papertape.wire.stream import PROTOCOL, Hello, SubRequest
from streaming.figure import Figure, Options, Outcome

_CARRIERS: tuple[Transport, ...] = ("websocket", "websocket", "websocket", "sse", "poll")
_BLOCK_S, _SLICE_S, _SLICES = 30.0, 2.5, 24
_SHORT = 0.1  # of every time in the short form
_FACTS = 5


class _Follower:
    """One client of ours that keeps what it is shown."""

    def __init__(self, port: int, carrier: Transport, number: int, scale: float) -> None:
        limits = ClientLimits(grace_s=10.0 * scale, ping_s=10.0 * scale)
        self.carrier = carrier
        self.log = FactLog([FACT_TOPIC])
        self.client = StreamClient(
            f"http://127.0.0.1:{port}/api/stream", [FACT_TOPIC], tab=f"r8-{number}", seed=number, limits=limits,
            carriers=[carrier],
        )  # fmt: skip


class _Plain:
    """A client that is not ours: it only reads, and has a ping of its own."""

    def __init__(self) -> None:
        self.frames = 0
        self.closed: str | None = None

    async def read(self, socket: ClientConnection) -> None:
        try:
            async for _ in socket:
                self.frames += 1
        except ConnectionClosed as closed:
            self.closed = str(closed)


async def measure(options: Options) -> Outcome:
    """Measure it."""
    scale = 1.0 if options.is_long else _SHORT
    async with desk_server_process(_scaled(scale)) as server, _clients(server, scale) as (followers, plain):
        await _published(server, followers, _FACTS)
        await server.ask(Block(seconds=_BLOCK_S * scale))
        after_one = await _published(server, followers, 2 * _FACTS)
        await server.ask(Block(seconds=_SLICE_S * scale, times=_SLICES))
        after_slices = await _published(server, followers, 3 * _FACTS)
        await asyncio.sleep(12.0 * scale)  # every deadline of the server comes once more
        health = await _health(server)
        lost = sum(follower.log.seqs[FACT_TOPIC] != [*range(1, 3 * _FACTS + 1)] for follower in followers)
    reconnects = {follower.carrier: 0 for follower in followers}
    for follower in followers:
        reconnects[follower.carrier] += follower.client.connects - 1 if follower.carrier != "poll" else 0
    failures = sum(len(follower.client.closes) for follower in followers)
    ended = {f"{count.closed_by} {count.code}": count.count for count in health.closes}
    figures = {
        "clients": len(followers) + 1, "server_closes": ended, "client_reconnects": reconnects,
        "client_failures": failures, "plain_client_closed": plain.closed, "opened": health.opened,
        "clients_with_lost_or_doubled_facts": lost, "lag_of_the_block_ms": round(after_one.worst_lag_ms),
        "lag_after_the_slices_ms": round(after_slices.worst_lag_ms), "plain_client_frames": plain.frames,
    }  # fmt: skip
    faults = [f"the server closed {ended}"] * bool(ended)
    faults += [f"clients saw {failures} failures"] * bool(failures or any(reconnects.values()))
    faults += [f"the plain client was closed: {plain.closed}"] * (plain.closed is not None)
    faults += [f"{lost} clients lost facts"] * bool(lost)
    return Outcome(figures=figures, method=_METHOD, is_reached=not faults, shortfall=", ".join(faults))


def _scaled(scale: float) -> StreamLimits:
    usual = StreamLimits()
    return msgspec.structs.replace(
        usual,
        tick_s=usual.tick_s * scale,
        heartbeat_s=usual.heartbeat_s * scale,
        dead_s=usual.dead_s * scale,
        hello_deadline_s=usual.hello_deadline_s * scale,
        write_deadline_s=usual.write_deadline_s * scale,
        poll_hold_s=usual.poll_hold_s * scale,
    )


@contextlib.asynccontextmanager
async def _clients(server: DeskServerProcess, scale: float) -> AsyncIterator[tuple[Sequence[_Follower], _Plain]]:
    followers = [_Follower(server.port, carrier, number, scale) for number, carrier in enumerate(_CARRIERS)]
    plain = _Plain()
    async with connect(
        f"ws://127.0.0.1:{server.port}/api/stream", subprotocols=[Subprotocol(PROTOCOL)], compression=None,
        ping_interval=20.0 * scale, ping_timeout=60.0 * scale,
    ) as socket:  # fmt: skip
        hello = Hello(v=1, tab="plain", subs=(SubRequest(topic=FACT_TOPIC),))
        await socket.send(msgspec.json.encode(hello).decode())
        reading = asyncio.create_task(plain.read(socket))
        following = [asyncio.create_task(follower.log.follow(follower.client)) for follower in followers]
        try:
            for follower in followers:
                await follower.log.reached(0)
            yield followers, plain
        finally:
            for task in [reading, *following]:
                task.cancel()
            await asyncio.gather(reading, *following, return_exceptions=True)


async def _published(server: DeskServerProcess, followers: Sequence[_Follower], count: int) -> ServerFigures:
    await server.ask(Publish(count=_FACTS))
    for follower in followers:
        await follower.log.reached(count, timeout_s=20.0)
    return await server.ask(Report())


async def _health(server: DeskServerProcess) -> StreamHealth:
    async with httpx.AsyncClient() as http:
        answer = await http.get(f"http://127.0.0.1:{server.port}/api/connections")
    return msgspec.json.decode(answer.content, type=Connections).health


_METHOD = (
    "Three clients of ours over WebSocket, one over an event stream and one that polls, and a plain WebSocket client "
    "with a ping of its own every 20 s and 60 s of patience. The server's process blocks its event loop for 30 s, then "
    "24 times for 2.5 s with a single turn of the loop between them; facts are published before, between and after. "
    "Counted are the closes in the server's own records and the failures and reconnects that the clients saw. In the "
    "short form every time is a tenth, also the deadlines; uvicorn's ping stays at 20/60 s."
)
FIGURE = Figure(
    number="R8",
    what="the server's loop is blocked for 30 s once, then in slices of 2.5 s for a minute",
    target="0 disconnects from either side",
    measure=measure,
)
