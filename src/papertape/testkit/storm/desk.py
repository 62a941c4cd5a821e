"""The desk of a storm: a desk of memory that finds facts quickly and can lose its history, its store and its voice."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Mapping
from typing import Any, cast

import msgspec

from papertape.errors import Unavailable
from papertape.model.events import AlertRaised, AnyEvent, EquityMarked, InstanceTransitioned, OrderFilled, SignalFired
from papertape.model.tables import TABLE_OF, Table
from papertape.testkit.facts import fact
from papertape.testkit.fake_desk import EPOCH, SESSION_ID, FakeDesk
from papertape.wire.topics import FACT_TABLES

_KINDS = (InstanceTransitioned, SignalFired, OrderFilled, AlertRaised)
_WORDS = "größer → kleiner · ≤ 5 × 10⁻³ 🙂 "  # characters of one to four bytes, so that cuts fall within them


class StormValue(msgspec.Struct, frozen=True, kw_only=True):
    """A value that changes."""

    key: str
    value: float
    text: str


class StormDesk(FakeDesk):
    """Facts of four topics in random order; `is_unheard` keeps them from the outlets. `reads` counts `latest`."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self.is_unheard = False
        self.reads = 0
        self.published = 0
        self._chance = chance
        self._rows: dict[str, list[AnyEvent]] = {}
        self._seqs: dict[str, list[int]] = {}
        self._last_seq = 0
        self._generation = 1

    # What a storm does

    def write(self, count: int, text_chars: int) -> None:
        """Make that many facts durable and tell the outlets."""
        text = (_WORDS * (text_chars // len(_WORDS) + 1))[:text_chars]
        facts = [one for _ in range(count) for one in self._next(text)]
        self.published += count
        if not self.is_unheard:
            for outlet in tuple(self.outlets):
                outlet.facts_published(SESSION_ID, self.epoch, facts)

    def change(self, topic: str) -> None:
        """Change, add or remove one value of a topic."""
        shown = dict(self.views.get(topic, {}))
        key = f"BTCUSDT.BINANCE/{self._chance.randrange(6)}"
        if key in shown and self._chance.random() < 0.2:
            del shown[key]
        else:
            shown[key] = StormValue(key=key, value=self._chance.random(), text=_WORDS)
        self.views[topic] = shown

    def lose_history(self) -> None:
        """Begin a new epoch with no facts."""
        self._generation += 1
        self.epoch = f"{EPOCH}-{self._generation}"
        self._rows.clear()
        self._seqs.clear()
        self._last_seq = 0

    def journal(self, topic: str) -> list[int]:
        """Return the seqs of a topic's facts in this epoch."""
        return [*self._seqs.get(FACT_TABLES[topic].topic or "", ())]

    # DeskPort

    def latest(self, session_id: str, topic: str) -> Mapping[str, msgspec.Struct]:
        """Return what is shown."""
        self.reads += 1
        return super().latest(session_id, topic)

    def facts(
        self,
        session_id: str,
        table: Table,
        *,
        after: int = 0,
        until: int | None = None,
        limit: int = 1000,
        filters: Mapping[str, str] = {},
        newest_first: bool = False,
    ) -> list[Any]:
        """Return facts of one table."""
        self._check(session_id)
        assert not filters  # the stream has none
        if self.is_store_down:
            raise Unavailable("The store does not answer; try again.", code="store.unavailable")
        seqs = self._seqs.get(table.topic or "", [])
        rows = self._rows.get(table.topic or "", [])
        first = bisect_right(seqs, after)
        last = len(seqs) if until is None else bisect_right(seqs, until)
        if newest_first:
            return rows[max(first, last - limit) : last][::-1]
        return rows[first : min(last, first + limit)]

    def position(self, session_id: str) -> tuple[str, int]:
        """Return the epoch and the last seq."""
        self._check(session_id)
        return self.epoch, self._last_seq

    def head(self, session_id: str, topic: str) -> int:
        """Return the last seq of a topic."""
        self._check(session_id)
        seqs = self._seqs.get(topic)
        return seqs[-1] if seqs else 0

    def _next(self, text: str) -> list[AnyEvent]:
        facts: list[AnyEvent] = []
        if self._chance.random() < 0.2:  # a tape has facts without a topic too
            facts.append(fact(EquityMarked, self._last_seq + 1))
        kind = self._chance.choice(_KINDS)
        changes: dict[str, Any] = {"message": text} if kind is AlertRaised else {"reason": text}
        seq = self._last_seq + len(facts) + 1
        event = cast(AnyEvent, fact(kind, seq, **({} if kind is OrderFilled else changes)))
        facts.append(event)
        self._last_seq = seq
        topic = TABLE_OF[kind].topic or ""
        self._rows.setdefault(topic, []).append(event)
        self._seqs.setdefault(topic, []).append(seq)
        return facts


def shown_of(desk: StormDesk, topic: str) -> dict[str, object]:
    """Return the values of a topic as a client sees them."""
    return {key: msgspec.to_builtins(value) for key, value in desk.views.get(topic, {}).items()}
