"""Where a client is on one topic, and what a message on it means from there. Pure."""

from __future__ import annotations

from typing import Literal

from papertape.wire.stream import Pub, Snap, SubRequest, Subscribed

Verdict = Literal["new", "duplicate", "hole"]


class Cursor:
    """A position (epoch, seq). A fact continues it when its `prev` is not beyond it; latest values when not older."""

    def __init__(self, topic: str, *, is_fact: bool) -> None:
        self.topic = topic
        self.is_fact = is_fact
        self.epoch: str | None = None
        self.seq: int | None = None
        self.is_asking = False
        self.is_refused = False
        self._pages: list[Snap] = []
        self._head_before: int | None = None
        self._hole_at: int | None = None

    @property
    def is_current(self) -> bool:
        """Return whether nothing that the desk owes is known to be missing."""
        return self.is_refused or (not self.is_asking and self.seq is not None)

    def position(self) -> SubRequest:
        """Return the subscription that goes on from here, for a connection that may or may not take over."""
        return SubRequest(topic=self.topic, epoch=self.epoch if self.seq is not None else None, seq=self.seq)

    def request(self) -> SubRequest:
        """Return the subscription that goes on from here; what comes before its answer is not heard."""
        self.is_asking = True
        self.is_refused = False
        self._pages = []
        self._head_before = None
        return self.position()

    def on_subscribed(self, message: Subscribed) -> Verdict:
        """Take the answer: what follows continues the position, or a snapshot replaces it."""
        self.is_asking = False
        self._pages = []
        self._head_before = None
        if not message.resumed:
            self.epoch, self.seq = message.epoch, None
            return "new"
        if message.epoch != self.epoch or self.seq is None or message.from_seq > self.seq:
            return self._hole()
        return "new"  # the position may be ahead of `from`: another connection went on while this one was made

    def on_snap(self, message: Snap) -> tuple[Snap, ...]:
        """Take a page; return all of them with the last one, when the position moves."""
        if self.is_asking:
            return ()
        if self._pages and (self._pages[0].epoch, self._pages[0].seq) != (message.epoch, message.seq):
            self._pages = []
        self._pages.append(message)
        if len(self._pages) < message.of:
            return ()
        pages, self._pages = tuple(self._pages), []
        self.epoch, self.seq = message.epoch, message.seq
        self._head_before = None
        return pages

    def on_pub(self, message: Pub) -> Verdict:
        """Return what a publication is from here, and move when it is new."""
        if self.is_asking or self.seq is None:
            return "duplicate"  # it belongs to the subscription that is being replaced
        if message.epoch != self.epoch:
            return self._hole()
        # one version of latest values may come in several publications; a fact comes in one
        if message.seq < self.seq or (self.is_fact and message.seq == self.seq):
            return "duplicate"
        if self.is_fact and (message.prev or 0) > self.seq:
            return self._hole()
        self.seq = message.seq
        return "new"

    def on_head(self, head: int) -> bool:
        """Return whether the head of the heartbeat before never came; a heartbeat may overtake what it announces."""
        if not self.is_fact or self.is_asking or self.seq is None:
            return False
        expected, self._head_before = self._head_before, head if head > self.seq else None
        if expected is None or self.seq >= expected:
            return False
        self._hole()
        return True

    def _hole(self) -> Verdict:
        if self._hole_at == self.seq:
            self.epoch = self.seq = None  # going on from here was tried and did not help: a snapshot will
        self._hole_at = self.seq
        self._head_before = None
        return "hole"
