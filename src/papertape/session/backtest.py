"""Replay and backtest: the same core as a paper session, fed from a tape or from recorded market data."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence

import msgspec

from papertape.errors import Broken
from papertape.journal.ports import History
from papertape.model.backtest import BacktestSummary
from papertape.model.entries import ClockTick, Entry, LifecycleChange, MarketEvent
from papertape.model.events import AnyEvent, encode_canonical
from papertape.model.feed import FeedStatus
from papertape.model.session import SessionPlan, SessionRow
from papertape.model.tables import EVENT_TABLES
from papertape.session.core import SessionCore
from papertape.session.source import MarketSource

_SECOND_US = 1_000_000


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """The first fact at which a replay and the stored session part."""

    seq: int
    stored: str | None
    replayed: str | None


class Backtest:
    """Feeds recorded market data to a core as fast as it comes, with one clock tick for each second of market time."""

    def __init__(self, plan: SessionPlan) -> None:
        self.core = SessionCore(plan)
        self.facts: list[AnyEvent] = []
        self._ended = asyncio.Event()
        self._trouble: str | None = None
        self._next_tick = 0

    async def run(self, source: MarketSource, on_progress: Callable[[int], None]) -> BacktestSummary:
        """Run from the first to the last event of the source; `on_progress` is told the number of entries so far.

        Raises:
            Broken: it stopped before the end of the data, or there was no data.
        """
        instruments = self.core.plan.instruments
        history = await source.history(instruments)
        self.facts += self.core.feed(history, is_warmup=True)[1]
        self._on_progress = on_progress
        subscription = await source.subscribe(instruments, self)
        await self._ended.wait()
        await subscription.close()
        if self._trouble is not None:
            raise Broken(
                f"The backtest stopped after {self.core.tape.last_seq:,} entries, before the end of its data: "
                f"{self._trouble}",
                code="backtest.interrupted",
            )
        return self.core.engine.summary()

    def on_events(self, events: Sequence[MarketEvent]) -> None:
        """Take a burst of recorded events."""
        if self._next_tick == 0:
            self._start(events[0])
        self.facts += self.core.feed(self._with_ticks(events))[1]
        self._on_progress(self.core.tape.last_seq)

    def on_status(self, status: FeedStatus) -> None:
        """Take note of the end of the recording, or of what kept it from coming."""
        if status.state in ("failed", "closed"):
            self._trouble = status.detail
        if status.state in ("ended", "failed", "closed"):
            self._ended.set()

    def _start(self, first: MarketEvent) -> None:
        self._next_tick = first.ts - first.ts % _SECOND_US + _SECOND_US
        change = LifecycleChange(
            ts=first.ts, recv_ts=first.recv_ts, state="running", trigger="start", reason="The backtest started.",
            is_degraded=False, entries_paused=False,
        )  # fmt: skip
        self.facts += self.core.feed([change])[1]

    def _with_ticks(self, events: Sequence[MarketEvent]) -> list[Entry]:
        entries: list[Entry] = []
        for event in events:
            while event.ts >= self._next_tick:
                entries.append(ClockTick(ts=self._next_tick, recv_ts=event.recv_ts))
                self._next_tick += _SECOND_US
            entries.append(event)
        return entries


def replay_facts(row: SessionRow, history: History) -> Iterator[AnyEvent]:
    """Yield the facts that the session's tape gives when it is stepped through again."""
    core = SessionCore(row.plan)
    for batch in history.batches(row.session_id):
        yield from core.replay(batch)


def stored_facts(row: SessionRow, history: History, until: int) -> list[AnyEvent]:
    """Return every stored fact of a session up to seq `until`, in the order of the tape."""
    facts: list[AnyEvent] = []
    for table in EVENT_TABLES:
        after = 0
        while page := history.events(table, row.session_id, after=after, until=until, limit=5_000):
            facts += page
            after = page[-1].seq
    return sorted(facts, key=lambda fact: fact.seq)


def first_difference(row: SessionRow, history: History) -> Difference | None:
    """Return where the replay of a session's tape differs from its stored facts in the canonical bytes, or None.

    A session that still runs is compared up to its newest stored fact of this moment.
    """
    until = history.last_event_seq(row.session_id)
    stored = {fact.seq: encode_canonical(fact) for fact in stored_facts(row, history, until)}
    replayed = {fact.seq: encode_canonical(fact) for fact in replay_facts(row, history) if fact.seq <= until}
    for seq in sorted(stored.keys() | replayed.keys()):
        if stored.get(seq) != replayed.get(seq):
            return Difference(seq=seq, stored=_text(stored.get(seq)), replayed=_text(replayed.get(seq)))
    return None


def _text(encoded: bytes | None) -> str | None:
    return encoded.decode() if encoded is not None else None
