"""One connection through the fault proxy: a pump for each direction, what is wrong with it, and how both sides end."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from collections import deque
from collections.abc import Callable
from typing import cast

from papertape.testkit.faults import (
    Bandwidth,
    BlackHole,
    Cut,
    CutAfter,
    Direction,
    Fin,
    HalfOpen,
    Latency,
    LinkFault,
    Reset,
    SlowClose,
    Stall,
    fault_of,
)

_CHUNK = 65_536
_HELD_BACK = 262_144  # bytes that a direction delays at most; beyond it the sender feels a slow receiver


class End:
    """One side of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def reset(self) -> None:
        """Drop the connection so that the other side sees a reset."""
        raw = cast(socket.socket, self.writer.get_extra_info("socket"))
        if raw.fileno() < 0:
            return  # it is closed; aborting a transport that closed with bytes to send fails in asyncio
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    def close(self) -> None:
        """Send what waits, then FIN."""
        self.writer.close()


def small_socket() -> socket.socket:
    """Return a socket whose buffers hold little, so that who does not read is felt by who sends."""
    # asyncio turns Nagle's algorithm off only for sockets that name their protocol
    raw = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    for buffer in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        raw.setsockopt(socket.SOL_SOCKET, buffer, _CHUNK)
    raw.setblocking(False)
    return raw


class Pump:
    """Carries bytes one way. `cut` is called when the bytes of a `CutAfter` have passed."""

    def __init__(self, source: End, sink: End, chance: random.Random, cut: Callable[[Cut], None]) -> None:
        self.latency = Latency(seconds=0.0)
        self.bytes_per_s: float | None = None
        self.is_swallowing = False
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.on_first: Callable[[], None] | None = None
        self._source = source
        self._sink = sink
        self._chance = chance
        self._cut = cut
        self._cut_after: CutAfter | None = None
        self._left = 0
        self._due = 0.0
        self._line: deque[bytes] = deque()
        self._held = 0
        self._room = asyncio.Event()

    def cut_after(self, fault: CutAfter) -> None:
        """Count bytes from now on."""
        self._cut_after, self._left = fault, fault.size

    async def run(self, first: bytes = b"") -> None:
        """Carry `first` and everything that comes until the source ends, then tell the sink how it ended."""
        try:
            if first:
                await self._pass(first)
            while chunk := await self._source.reader.read(self._piece()):
                await self.flowing.wait()
                await self._pass(chunk)
            await self._drained(0)
            if not self.is_swallowing and not self._sink.writer.is_closing():
                self._sink.writer.write_eof()
        except OSError:
            if not self.is_swallowing:
                self._sink.reset()

    def _piece(self) -> int:
        return _CHUNK if self.bytes_per_s is None else max(1, min(_CHUNK, int(self.bytes_per_s / 50)))

    async def _pass(self, chunk: bytes) -> None:
        delay_s = self.latency.seconds + self._chance.uniform(0, self.latency.jitter_s)
        if delay_s == 0.0 and self.bytes_per_s is None and not self._line:
            self._deliver(chunk)
        else:
            loop = asyncio.get_running_loop()
            self._due = max(self._due, loop.time() + delay_s)
            if self.bytes_per_s is not None:
                self._due += len(chunk) / self.bytes_per_s
            self._line.append(chunk)
            self._held += len(chunk)
            loop.call_at(self._due, self._deliver_next)
            await self._drained(_HELD_BACK)
        if not self.is_swallowing:
            await self._sink.writer.drain()

    async def _drained(self, limit: int) -> None:
        while self._held > limit:
            self._room.clear()
            await self._room.wait()

    def _deliver_next(self) -> None:
        chunk = self._line.popleft()
        self._held -= len(chunk)
        self._room.set()
        self._deliver(chunk)

    def _deliver(self, chunk: bytes) -> None:
        if self.is_swallowing or self._sink.writer.is_closing():
            return
        fault = self._cut_after
        if fault is not None and len(chunk) >= self._left:
            self._cut_after = None
            self._sink.writer.write(chunk[: self._left])
            self._cut(fault.how)
            return
        self._left -= len(chunk)
        self._sink.writer.write(chunk)
        if self.on_first is not None:
            self.on_first()
            self.on_first = None


class FaultLink:
    """A client's connection and the one to the server that goes with it."""

    def __init__(self, client: End, server: End, seed: str) -> None:
        self.is_cut = False
        self._client = client
        self._server = server
        self._timers: list[asyncio.TimerHandle] = []
        self._up = Pump(client, server, random.Random(f"{seed}/up"), self.cut)
        self._down = Pump(server, client, random.Random(f"{seed}/down"), self.cut)

    async def run(self, first: bytes = b"") -> None:
        """Carry both ways until both have ended; leave nothing open, however this ends."""
        ends = (self._client, self._server)
        try:
            await asyncio.gather(self._up.run(first), self._down.run())
            for end in ends:
                end.close()
            await asyncio.gather(*(end.writer.wait_closed() for end in ends), return_exceptions=True)
        finally:
            for timer in self._timers:
                timer.cancel()
            for end in ends:
                end.reset()

    def cut_upgrade(self, after_s: float, how: Cut) -> None:
        """Cut `after_s` seconds after the server has answered."""

        def answered() -> None:
            if after_s == 0.0:
                self.cut(how)
            else:
                self._later(after_s, lambda: self.cut(how))

        self._down.on_first = answered

    def cut(self, how: Cut) -> None:
        """Cut the connection in a simple way."""
        self.apply(fault_of(how))

    def apply(self, fault: LinkFault) -> None:
        """Let a fault befall this connection."""
        if isinstance(fault, Latency):
            for pump in self._pumps(fault.direction):
                pump.latency = fault
        elif isinstance(fault, Bandwidth):
            for pump in self._pumps(fault.direction):
                pump.bytes_per_s = fault.bytes_per_s
        elif isinstance(fault, Stall):
            for pump in self._pumps(fault.direction):
                pump.flowing.clear()
        elif isinstance(fault, CutAfter):
            (pump,) = self._pumps(fault.direction)
            pump.cut_after(fault)
        else:
            self._break(fault)

    def _break(self, fault: BlackHole | HalfOpen | Reset | Fin | SlowClose) -> None:
        self.is_cut = True
        if isinstance(fault, Reset):
            self._client.reset()
            self._server.reset()
            return
        if isinstance(fault, Fin):
            self._client.close()
            self._server.close()
            return
        for pump in self._pumps(fault.direction if isinstance(fault, BlackHole) else "both"):
            pump.is_swallowing = True
            pump.flowing.set()
        if isinstance(fault, HalfOpen):
            (self._server if fault.gone == "server" else self._client).reset()
        elif isinstance(fault, SlowClose):
            self._server.close()
            self._later(fault.seconds, self._client.close)

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(seconds, action))

    def _pumps(self, direction: Direction) -> tuple[Pump, ...]:
        pumps = {"up": (self._up,), "down": (self._down,), "both": (self._up, self._down)}
        return pumps[direction]
