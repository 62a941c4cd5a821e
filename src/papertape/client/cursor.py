"""Where a client is on one topic, and what a message on it means from there. Pure."""

from __future__ import annotations

from typing import Literal

from papertape.wire.stream import Pub, Snap, SubRequest, Subscribed

Verdict = Literal["new", "duplicate", "hole"]


class Cursor:
    """A position (epoch, seq). A fact continues it when its `prev` is not beyond it; latest values always do."""

    def __init__(self, topic: str, *, is_fact: bool) -> None:
        self.topic = topic
        self.is_fact = is_fact
        self.epoch: str | None = None
        self.seq: int | None = None
        self.is_asking = False

    def request(self) -> SubRequest:
        """Return the subscription that goes on from here."""
        self.is_asking = True
        return SubRequest(topic=self.topic, epoch=self.epoch, seq=self.seq)

    def on_subscribed(self, message: Subscribed) -> None:
        """Take the answer: what follows continues the position, or a snapshot replaces it."""
        self.is_asking = False
        self.epoch = message.epoch
        self.seq = message.from_seq if message.resumed else None

    def on_snap(self, message: Snap) -> None:
        """Take a page of a snapshot; the position moves with the last one."""
        if message.page == message.of:
            self.epoch, self.seq = message.epoch, message.seq

    def on_pub(self, message: Pub) -> Verdict:
        """Return what a publication is from here, and move when it is new."""
        if self.is_asking or self.seq is None:
            return "duplicate"  # it belongs to the subscription that is being replaced
        if not self.is_fact:
            self.seq = message.seq
            return "new"
        if message.epoch != self.epoch or (message.prev or 0) > self.seq:
            return "hole"
        if message.seq <= self.seq:
            return "duplicate"
        self.seq = message.seq
        return "new"

    def is_behind(self, head: int) -> bool:
        """Return whether the desk has published what never came."""
        return self.is_fact and not self.is_asking and self.seq is not None and head > self.seq
