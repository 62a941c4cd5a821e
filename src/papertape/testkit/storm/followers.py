"""Clients of a storm that want everything: the library's own, and raw ones that read slowly, ask anew or blink."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket as sockets
from collections.abc import AsyncIterator
from contextlib import aclosing

import msgspec
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, WebSocketException

from papertape.client.backoff import Backoff
from papertape.client.limits import ClientLimits
from papertape.client.stream_client import StreamClient
from papertape.errors import Refused
from papertape.testkit.raw_stream import raw_stream, say
from papertape.testkit.storm.scenario import Kind
from papertape.testkit.storm.witness import Witness
from papertape.wire.http import Transport
from papertape.wire.stream import (
    Bye,
    Hello,
    Pub,
    ServerMessage,
    Snap,
    StreamError,
    Sub,
    SubRequest,
    Subscribed,
    Unsub,
    Vis,
)

_PATIENCE_S = 3.0
LIMITS = ClientLimits(
    deadline_s=1.5,
    dead_s=0.5,
    grace_s=0.3,
    late_s=0.1,
    alive_s=0.3,
    probes_s=(0.2, 0.4, 0.8),
    early_probe_s=0.1,
    ping_s=0.5,
    poll_pause_s=0.01,
    ask_again_s=0.1,
)
# Where nothing may disturb anybody, a busy machine must not either.
PATIENT = msgspec.structs.replace(LIMITS, deadline_s=10.0, dead_s=5.0, grace_s=5.0)
_decoder: msgspec.json.Decoder[ServerMessage] = msgspec.json.Decoder(ServerMessage)


class Follower:
    """`papertape.client` under a witness. `is_patient`: it takes silence for death only after long."""

    def __init__(
        self, kind: Kind, port: int, witness: Witness, carriers: tuple[Transport, ...], seed: int, *, is_patient: bool
    ) -> None:
        self.witness = witness
        self.stopped = ""
        self.carried_by: set[str] = set()
        self._kind = kind
        self._carriers = carriers
        self._chance = random.Random(seed)
        self._is_hurried = False
        self.client = StreamClient(
            f"ws://127.0.0.1:{port}/api/stream",
            [*witness.facts, *witness.values],
            tab=witness.name,
            backoff=Backoff(floor_s=0.0, step_s=0.02, limit_s=0.1, stable_s=1.0, at_once_s=0.02),
            limits=PATIENT if is_patient else LIMITS,
            carriers=carriers,
            seed=seed,
        )

    @property
    def is_home(self) -> bool:
        """Return whether it is live on the carrier it likes best."""
        status = self.client.status()
        return status.phase == "live" and status.transport == self._carriers[0]

    @property
    def has_fallen_back(self) -> bool:
        """Return whether it was given something without WebSocket."""
        return not self.carried_by <= {"websocket"}

    async def run(self) -> None:
        """Follow until cancelled, or until the desk forbids it."""
        choosing = asyncio.create_task(self._choose(), name=f"{self.witness.name} chooses")
        try:
            async with aclosing(self.client.updates()) as updates:
                async for update in updates:
                    self.witness.take(update)
                    self.carried_by.add(self.client.status().transport)
        except Refused as refused:
            self.stopped = refused.message
        finally:
            choosing.cancel()

    def hurry(self) -> None:
        """Want everything from now on; it always reads as fast as it can."""
        self._is_hurried = True
        self.client.add(*self.witness.facts, *self.witness.values)

    async def _choose(self) -> None:
        await self.witness.until(self.witness.is_started, 3600.0)
        while self._kind == "chooser" and not self._is_hurried:
            topic = self._chance.choice([*self.witness.facts])
            self.client.remove(topic)
            await asyncio.sleep(self._chance.uniform(0.0, 0.1))
            self.client.add(topic)
            await asyncio.sleep(self._chance.uniform(0.1, 0.2))


class RawFollower:
    """Speaks the protocol by hand, with small buffers; `kind` says what it does beside reading."""

    def __init__(self, kind: Kind, port: int, witness: Witness, chance: random.Random) -> None:
        self.witness = witness
        self.stopped = ""
        self.connects = 0
        self.codes: list[int] = []
        self._kind = kind
        self._port = port
        self._chance = chance
        self._asking: set[str] = set()
        self._is_hurried = False

    async def run(self) -> None:
        """Connect again and again, until cancelled."""
        while True:
            with contextlib.suppress(ConnectionClosed, WebSocketException, OSError, TimeoutError):
                async with small_stream(self._port, 65_536) as socket:
                    self.connects += 1
                    await self._follow(socket)
            await asyncio.sleep(0.02)

    def hurry(self) -> None:
        """Read as fast as possible and want everything from now on."""
        self._is_hurried = True

    async def _follow(self, socket: ClientConnection) -> None:
        topics = (*self.witness.facts, *self.witness.values)
        self._asking = set(topics)
        await say(socket, Hello(v=1, tab=self.witness.name, subs=tuple(map(self._position, topics))))
        whim = asyncio.create_task(self._whims(socket), name=f"{self.witness.name} whims")
        try:
            while True:
                async with asyncio.timeout(_PATIENCE_S):
                    message = _decoder.decode(await socket.recv())
                await self._take(socket, message)
                if self._kind == "slow" and not self._is_hurried:
                    await asyncio.sleep(0.05)
        finally:
            whim.cancel()

    async def _take(self, socket: ClientConnection, message: ServerMessage) -> None:
        if isinstance(message, Bye):
            self.codes.append(message.code)
        elif isinstance(message, Subscribed):
            self._asking.discard(message.topic)
        elif isinstance(message, StreamError):
            await asyncio.sleep(0.02)
            await self._ask(socket, message.topic or "")
        elif isinstance(message, Snap | Pub) and message.topic not in self._asking:
            await self._take_topic(socket, message)

    async def _take_topic(self, socket: ClientConnection, message: Snap | Pub) -> None:
        view = self.witness.facts.get(message.topic)
        if view is not None and isinstance(message, Pub) and message.epoch == view.epoch:
            if message.seq <= view.at:
                return
            if (message.prev or 0) > view.at:
                await self._ask(socket, message.topic)
                return
        self.witness.take(message)

    async def _ask(self, socket: ClientConnection, topic: str) -> None:
        self._asking.add(topic)
        await say(socket, Sub(subs=(self._position(topic),)))

    def _position(self, topic: str) -> SubRequest:
        view = self.witness.facts.get(topic)
        if view is None or not view.snapshots:
            return SubRequest(topic=topic)
        return SubRequest(topic=topic, epoch=view.epoch, seq=view.at)

    async def _whims(self, socket: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed, OSError):
            while self._kind == "blinker":
                await asyncio.sleep(0.07)
                await say(socket, Vis(visible=self._is_hurried or self._chance.random() < 0.5))
            while self._kind == "churner" and not self._is_hurried:
                if not await self.witness.until(self.witness.is_started, _PATIENCE_S):
                    continue
                topic = self._chance.choice([*self.witness.facts])
                await say(socket, Unsub(topics=(topic,)))
                await asyncio.sleep(self._chance.uniform(0.0, 0.2))
                await self._ask(socket, topic)
                await asyncio.sleep(0.12)


@contextlib.asynccontextmanager
async def small_stream(port: int, buffer_bytes: int = 4096) -> AsyncIterator[ClientConnection]:
    """Yield a WebSocket whose receive buffers are small, so that who does not read is felt soon."""
    raw = sockets.socket(sockets.AF_INET, sockets.SOCK_STREAM, sockets.IPPROTO_TCP)
    raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, buffer_bytes)
    raw.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", port))
        url = f"ws://127.0.0.1:{port}/api/stream"
        async with raw_stream(url, sock=raw, max_queue=1, open_timeout=1.5, close_timeout=0.1) as socket:
            try:
                yield socket
            finally:
                socket.transport.abort()
    finally:
        raw.close()
