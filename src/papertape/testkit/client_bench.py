"""The stream client's core without a socket and without a clock: messages and time by hand, actions out."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from papertape.client.actions import Action, Open
from papertape.client.alarm import Moment
from papertape.client.backoff import Backoff
from papertape.client.closes import TransportEnd
from papertape.client.connection import StreamConnection
from papertape.client.limits import CARRIERS, ClientLimits
from papertape.client.subscriptions import Subscriptions, Update
from papertape.testkit.stream_probe import session_topic
from papertape.wire.http import Transport
from papertape.wire.stream import Pub, ServerMessage, Snap, Subscribed, Welcome

A = TypeVar("A", bound=Action)

FILLS = session_topic("fills")
ALERTS = session_topic("alerts")
BARS = session_topic("bars")
EPOCH = "e-1"
START_WALL = 1_766_854_702.0


class ClientBench:
    """A core on a bench. `done` has every action; `delivered` every update."""

    def __init__(
        self,
        *topics: str,
        limits: ClientLimits | None = None,
        backoff: Backoff | None = None,
        carriers: Sequence[Transport] = CARRIERS,
    ) -> None:
        self.at = 0.0
        self.done: list[Action] = []
        self.delivered: list[Update] = []
        self._opened: list[Open] = []
        subscriptions = Subscriptions()
        subscriptions.add(topics)
        self.core = StreamConnection(
            subscriptions,
            tab="bench",
            limits=limits,
            backoff=backoff or Backoff(floor_s=1.0, step_s=0.0, at_once_s=0.0),
            chance=random.Random(1),
            carriers=carriers,
        )

    @property
    def now(self) -> Moment:
        """Return this moment."""
        return Moment(self.at, START_WALL + self.at)

    @property
    def opened(self) -> Open:
        """Return the newest opening."""
        return self._opened[-1]

    def all_of(self, kind: type[A]) -> list[A]:
        """Return every action of a kind so far."""
        return [action for action in self.done if isinstance(action, kind)]

    def take(self) -> list[Action]:
        """Return the actions since the last call and forget all."""
        self.settle()
        done, self.done = self.done, []
        return done

    def settle(self) -> None:
        """Take what the core gives out."""
        actions = self.core.take_actions()
        self.done += actions
        self._opened += [action for action in actions if isinstance(action, Open)]
        while self.core.updates:
            self.delivered.append(self.core.updates.popleft())

    def start(self) -> None:
        """Begin."""
        self.core.start(self.now)
        self.settle()

    def say(self, *messages: ServerMessage, link: int | None = None) -> None:
        """Let one frame with these messages arrive, on the newest link when none is named."""
        frame = msgspec.json.encode(messages[0] if len(messages) == 1 else messages)
        self.core.received(link or self.opened.link, frame, self.now)
        self.settle()

    def welcome(self, *messages: ServerMessage, link: int | None = None) -> None:
        """Let a welcome arrive, and more in the same frame."""
        number = link or self.opened.link
        srv_ts = round((START_WALL + self.at) * 1e6)
        first = Welcome(conn=f"c-{number}", hb_s=10, dead_s=45, srv_ts=srv_ts, version="1")
        self.say(first, *messages, link=number)

    def end(self, code: int | None = None, reason: str = "", link: int | None = None, retry_s: float = 0.0) -> None:
        """Let the carrier end by itself."""
        end = TransportEnd(code=code, reason=reason, retry_s=retry_s)
        self.core.ended(link or self.opened.link, end, self.now)
        self.settle()

    def pass_time(self, seconds: float) -> None:
        """Let time pass; every alarm rings when it is due."""
        until = self.at + seconds
        while (due := self.core.next_at) is not None and due <= until:
            self.at = max(self.at, due)
            self.core.passed(self.now)
            self.settle()
        self.at = until

    def stall(self, seconds: float) -> None:
        """Let time pass in which nothing of this process ran; what was due rings now."""
        self.at += seconds
        self.core.passed(self.now)
        self.settle()


def subscribed(topic: str, seq: int | None = None, to: int = 0, epoch: str = EPOCH) -> Subscribed:
    """Return the answer to a subscription: resumed from `seq`, or None for a snapshot that follows."""
    return Subscribed(topic=topic, epoch=epoch, resumed=seq is not None, from_seq=seq or 0, to_seq=to)


def snap(topic: str, seq: int, page: int = 1, of: int = 1, epoch: str = EPOCH) -> Snap:
    """Return a page of an empty snapshot."""
    return Snap(topic=topic, epoch=epoch, seq=seq, page=page, of=of, data=[])


def pub(topic: str, seq: int, prev: int | None = None, epoch: str = EPOCH) -> Pub:
    """Return a publication; one with `prev` is a fact."""
    return Pub(topic=topic, epoch=epoch, seq=seq, ts=0, data={}, prev=prev)
