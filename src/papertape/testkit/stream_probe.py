"""A client of the stream hub without a socket: messages in, decoded messages out, time moved by hand."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeVar

import msgspec

from papertape.server.hub import StreamHub
from papertape.server.memory import MemoryWatch
from papertape.server.settings import StreamLimits
from papertape.testkit.fake_desk import SESSION_ID, FakeDesk
from papertape.testkit.manual_time import ManualTime
from papertape.wire.stream import ClientMessage, Hello, ServerMessage, Sub, SubRequest

M = TypeVar("M", bound=msgspec.Struct)

_decoder: msgspec.json.Decoder[ServerMessage] = msgspec.json.Decoder(ServerMessage)


def session_topic(name: str, session_id: str = SESSION_ID) -> str:
    """Return the topic of a session."""
    return f"session/{session_id}/{name}"


class HubBench:
    """A hub on a fake desk under manual time."""

    def __init__(
        self,
        limits: StreamLimits | None = None,
        memory: MemoryWatch | None = None,
        seed: int = 1,
        desk: FakeDesk | None = None,
        time: ManualTime | None = None,
        soon: Callable[[Callable[[], None]], object] | None = None,
    ) -> None:
        self.time = time or ManualTime()
        self.desk = desk or FakeDesk()
        self.hub = StreamHub(
            self.desk,
            limits,
            clock=self.time.clock,
            monotonic=self.time.monotonic,
            memory=memory,
            chance=random.Random(seed),
            soon=soon,
        )
        self.desk.outlets.append(self.hub)

    def probe(self) -> StreamProbe:
        """Return a connected client that has said nothing."""
        return StreamProbe(self.hub)

    def greeted(self, *topics: str, vis: bool = True) -> StreamProbe:
        """Return a client that said hello with these topics and has read the answers."""
        probe = self.probe()
        probe.say(Hello(v=1, tab="t", vis=vis, subs=tuple(SubRequest(topic=topic) for topic in topics)))
        probe.read()
        return probe

    def pass_time(self, seconds: float, step: float = 0.1) -> None:
        """Advance the clock in ticks."""
        for _ in range(round(seconds / step)):
            self.time.advance(step)
            self.hub.tick()


class StreamProbe:
    """One client."""

    def __init__(self, hub: StreamHub, agent: str = "") -> None:
        self.subscriber = hub.connect("websocket", "test:1", agent)

    def say(self, message: ClientMessage) -> None:
        """Send a message."""
        self.subscriber.receive(msgspec.json.encode(message))

    def subscribe(self, topic: str, epoch: str | None = None, seq: int | None = None) -> None:
        """Send one subscription."""
        self.say(Sub(subs=(SubRequest(topic=topic, epoch=epoch, seq=seq),)))

    def read(self, limit: int | None = None) -> list[ServerMessage]:
        """Return every message that is ready, or the first `limit` of them."""
        messages: list[ServerMessage] = []
        while len(messages) != limit and (frame := self.subscriber.next_frame()) is not None:
            messages.append(_decoder.decode(frame))
        return messages

    def read_only(self, kind: type[M]) -> list[M]:
        """Return the ready messages of one kind, dropping the others."""
        return [message for message in self.read() if isinstance(message, kind)]
