"""A TCP proxy that breaks connections on purpose, in ways and at times that a seed or a script repeats."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections.abc import Iterable, Sequence
from typing import Literal, Self

from papertape.testkit.fault_link import End, FaultLink, small_socket
from papertape.testkit.fault_opening import open_link
from papertape.testkit.faults import CUTS, Cut, Fault, Latency, LinkFault, NewFault, Refuse, Script, Step, fault_of


class FaultProxy:
    """Forwards to `target_port` on loopback, which may be set once the proxy's own port is known.

    Faults befall live connections, or those opened from then on until `heal`. What was done is in `script`; the same
    seed makes the same choices again.
    """

    def __init__(self, target_port: int = 0, *, seed: int = 1, latency_s: float = 0.0) -> None:
        self.port = 0
        self.target_port = target_port
        self.accepted = 0
        self.script: list[Step] = []
        self._seed = seed
        self._chance = random.Random(seed)
        self._on_new: list[Fault] = [Latency(seconds=latency_s)] if latency_s else []
        self._links: dict[int, FaultLink] = {}
        self._opening: dict[int, list[Fault]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._reserved: socket.socket | None = None
        self._listener: socket.socket | None = None
        self._is_refusing = False
        self._started = 0.0

    async def __aenter__(self) -> Self:
        self._started = asyncio.get_running_loop().time()
        self._reserved = _bound(0)  # keeps the port while connections are refused
        self.port = self._reserved.getsockname()[1]
        self._listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Reset every connection and stop listening; idempotent."""
        self._deafen()
        while self._tasks:
            tasks = tuple(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for kept in (self._listener, self._reserved):
            if kept is not None:
                kept.close()

    @property
    def live(self) -> int:
        """Return how many connections are open and not cut."""
        return len(self._whole())

    # What a test does

    def apply(self, fault: Fault, on: Literal["live", "new", "all"] = "live") -> int:
        """Let a fault befall connections; return how many live ones it hit. Faults of an opening are for new ones."""
        if isinstance(fault, NewFault):
            self._log(fault, "new")
            self._on_new.append(fault)
            if isinstance(fault, Refuse):
                self._deafen()
            return 0
        self._log(fault, on)
        if on != "live":
            self._on_new.append(fault)
        if on == "new":
            return 0
        for befalling in self._opening.values():
            befalling.append(fault)
        return _hit(fault, self._whole()) + len(self._opening)

    def heal(self) -> None:
        """Leave connections alone that are opened from now on."""
        self._log(None, "new")
        self._on_new.clear()
        if self._is_refusing:
            self._is_refusing = False
            self._listen()

    def cut(self, kind: Cut) -> int:
        """Break every open connection and return how many there were."""
        return self.apply(fault_of(kind))

    def random_cut(self, kinds: Sequence[Cut] = CUTS) -> Cut:
        """Break every open connection in a way the seed chooses, and return it."""
        kind = self._chance.choice(kinds)
        self.cut(kind)
        return kind

    def random_cut_of_one(self, kinds: Sequence[Cut] = CUTS) -> Cut | None:
        """Break one connection, both chosen by the seed; return how, None when none is open."""
        links = self._whole()
        if not links:
            return None
        kind = self._chance.choice(kinds)
        self._log(fault_of(kind), "live")
        _hit(fault_of(kind), [self._chance.choice(links)])
        return kind

    async def play(self, script: Script) -> None:
        """Carry out a script; its moments count from now."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        for step in script:
            await asyncio.sleep(started + step.at_s - loop.time())
            if step.fault is None:
                self.heal()
            else:
                self.apply(step.fault, step.on)

    def _log(self, fault: Fault | None, on: Literal["live", "new", "all"]) -> None:
        at_s = round(asyncio.get_running_loop().time() - self._started, 3)
        self.script.append(Step(at_s=at_s, fault=fault, on=on))

    def _whole(self) -> list[FaultLink]:
        return [link for link in self._links.values() if not link.is_cut]

    # Connections

    def _listen(self) -> None:
        self._listener = _bound(self.port)
        self._listener.listen(256)  # connections wait here until somebody accepts them
        self._keep(asyncio.create_task(self._accept(self._listener), name="fault-proxy-listen"))

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):  # what accepting answers with once nobody listens any more
            while True:
                raw, _ = await loop.sock_accept(listener)
                self.accepted += 1
                link = self._carry(self.accepted, raw)
                self._keep(asyncio.create_task(link, name=f"fault-proxy-link-{self.accepted}"))
        listener.close()

    def _deafen(self) -> None:
        self._is_refusing = True
        if self._listener is not None:
            with contextlib.suppress(OSError):  # it is refusing already
                self._listener.shutdown(socket.SHUT_RDWR)

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, number: int, raw: socket.socket) -> None:
        client = End(*await asyncio.open_connection(sock=raw))
        befallen = self._opening[number] = [*self._on_new]
        try:
            opened = await open_link(client, befallen, self.target_port, f"{self._seed}/{number}")
            if opened is not None:
                link, head = opened
                del self._opening[number]
                self._links[number] = link
                await link.run(head)
        finally:
            self._links.pop(number, None)
            self._opening.pop(number, None)
            client.reset()


def _hit(fault: LinkFault, links: Iterable[FaultLink]) -> int:
    hit = 0
    for link in links:
        link.apply(fault)
        hit += 1
    return hit


def _bound(port: int) -> socket.socket:
    listener = small_socket()  # what it accepts has its buffers
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(("127.0.0.1", port))
    return listener
