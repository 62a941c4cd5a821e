"""Numbers the facts of a session, without holes."""

from __future__ import annotations

from typing import TypedDict

import msgspec

from papertape.errors import Broken
from papertape.model.events import AnyEvent


class Head(TypedDict):
    """The head of a fact made by the engine itself."""

    seq: int
    ts: int
    entry_seq: int


class Facts:
    """The facts of the entry being handled and of the batch so far."""

    __slots__ = ("_taken", "entry_seq", "last_seq", "ts")

    def __init__(self) -> None:
        self.last_seq = 0
        self.ts = 0
        self.entry_seq = 0
        self._taken: list[AnyEvent] = []

    def begin(self, entry_seq: int, ts: int) -> None:
        """Begin the next entry.

        Raises:
            Broken: its seq leaves a hole or its time goes back.
        """
        if self.entry_seq and entry_seq != self.entry_seq + 1:
            raise Broken(
                f"Entry {entry_seq} came after entry {self.entry_seq}; entries have no holes and come once. "
                "Keep the journal and report it.",
                code="engine.entry_order",
            )
        if ts < self.ts:
            raise Broken(
                f"The time of entry {entry_seq} is {self.ts - ts} µs before the one before; the journal makes times "
                "non-decreasing. Keep the journal and report it.",
                code="engine.time_went_back",
            )
        self.entry_seq = entry_seq
        self.ts = ts

    def head(self) -> Head:
        """Return the head of the next fact; it must be added next."""
        return {"seq": self.last_seq + 1, "ts": self.ts, "entry_seq": self.entry_seq}

    def add(self, fact: AnyEvent) -> None:
        """Take a fact; a draft (seq 0) is numbered here."""
        self.last_seq += 1
        if fact.seq != self.last_seq:
            fact = msgspec.structs.replace(fact, seq=self.last_seq, entry_seq=self.entry_seq)
        self._taken.append(fact)

    def take(self) -> list[AnyEvent]:
        """Return the facts since the last call."""
        taken, self._taken = self._taken, []
        return taken
