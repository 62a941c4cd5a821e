"""A real desk under the load of a busy day: many symbols, many ticks, many past sessions, every topic watched."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from papertape.journal.ports import Commit
from papertape.model.entries import MarketEvent, Quote, Trade
from papertape.model.events import EquityMarked
from papertape.model.instrument import Instrument
from papertape.model.session import SessionRow, StartSession
from papertape.model.tables import EVENT_TABLES, Table
from papertape.model.views import VIEW_OF, SessionView
from papertape.server.hub import StreamHub
from papertape.session.clock import wall_clock
from papertape.session.desk import Desk
from papertape.session.feeds import Feeds
from papertape.session.library import Library
from papertape.store.folder import open_folder
from papertape.store.journal_research import JournalResearch
from papertape.store.sqlite import SqliteStore, open_store
from papertape.testkit.engine_run import session_plan
from papertape.testkit.facts import fact
from papertape.testkit.fake_source import FakeSource, make_instrument
from papertape.testkit.session_bench import SIMPLE_STRATEGY, MemoryFiles
from papertape.testkit.stream_probe import StreamProbe
from papertape.wire.stream import Hello, Sub, SubRequest
from streaming.loop_turns import LoopTurns

BURST_S = 0.08
_PRICE = 10_000


class WatchedDesk:
    """A desk that passes every call on and measures those that the stream makes on the event loop."""

    def __init__(self, desk: Desk, turns: LoopTurns) -> None:
        self._desk = desk
        self._turns = turns

    def __getattr__(self, name: str) -> Any:  # Any: whatever the desk has
        return getattr(self._desk, name)

    def sessions(self, limit: int) -> Sequence[SessionView]:
        """Measure the list of sessions."""
        with self._turns.measured("desk.sessions"):
            return self._desk.sessions(limit)

    def followed(self, session_id: str, topic: str) -> Mapping[str, msgspec.Struct]:
        """Measure the views of one topic."""
        with self._turns.measured(f"desk.followed {topic}"):
            return self._desk.followed(session_id, topic)

    def facts(self, session_id: str, table: Table, **wanted: Any) -> list[Any]:  # Any: as the port's
        """Measure reads of facts."""
        with self._turns.measured("desk.facts"):
            return self._desk.facts(session_id, table, **wanted)


class DeskLoad:
    """One session under way on an open desk; `play` lets the market go on."""

    def __init__(
        self, desk: Desk, hub: StreamHub, source: FakeSource, instruments: Sequence[Instrument], turns: LoopTurns
    ) -> None:
        self.desk = desk
        self.hub = hub
        self.session_id = ""
        self._source = source
        self._instruments = instruments
        self._turns = turns
        self._number = 0

    async def start(self, strategy: str) -> None:
        """Start the session and subscribe to everything there is."""
        wanted = StartSession(strategies=(strategy,), symbols=tuple(item.id for item in self._instruments))
        self.session_id = (await self.desk.start(wanted, None)).session_id
        async with asyncio.timeout(10):
            while not self._source.subscriptions:  # noqa: ASYNC110  a market source tells nobody that it was asked
                await asyncio.sleep(0.01)

    def watch(self) -> StreamProbe:
        """Return a client of every topic."""
        probe = StreamProbe(self.hub)
        probe.say(Hello(v=1, tab="load", subs=()))
        facts = [table.topic for table in EVENT_TABLES if table.topic is not None]
        topics = [f"session/{self.session_id}/{name}" for name in (*VIEW_OF, *facts)]
        probe.say(Sub(subs=tuple(SubRequest(topic=topic) for topic in (*topics, "desk/sessions", "desk/system"))))
        return probe

    async def play(self, ticks_per_s: float, seconds: float, probe: StreamProbe) -> None:
        """Deliver bursts as a feed does, and read what the client is sent."""
        started, until = time.monotonic(), time.monotonic() + seconds
        told = 0
        while (now := time.monotonic()) < until:
            due = int((now - started) * ticks_per_s) - told
            told += due
            if due:
                burst = [self._event() for _ in range(due)]
                with self._turns.measured("a burst of the feed"):
                    self._source.subscriptions[-1].emit(*burst)
            while probe.subscriber.next_frame() is not None:
                pass
            await asyncio.sleep(BURST_S)

    def _event(self) -> MarketEvent:
        self._number += 1
        instrument = self._instruments[self._number % len(self._instruments)]
        now, price = wall_clock(), _PRICE + self._number % 7
        if self._number % 2:
            return Quote(ts=now, recv_ts=now, instrument=instrument.id, bid=price - 1, bid_size=10_000_000,
                         ask=price + 1, ask_size=10_000_000)  # fmt: skip
        return Trade(ts=now, recv_ts=now, instrument=instrument.id, price=price, size=100, side="buy",
                     trade_id=str(self._number))  # fmt: skip


@contextlib.asynccontextmanager
async def desk_load(data_dir: Path, turns: LoopTurns, *, symbols: int, past: int) -> AsyncIterator[DeskLoad]:
    """Open a desk on a journal with `past` ended sessions."""
    instruments = [make_instrument(f"S{number:02}USDT") for number in range(symbols)]
    folder = open_folder(data_dir)
    store = open_store(folder, wall_clock)
    _write_past(store, past, instruments[:10])
    source = FakeSource(instruments)
    desk = Desk(
        feeds=Feeds({source.name: source}, source.name),
        library=Library(MemoryFiles(buy_the_tick=SIMPLE_STRATEGY)),
        appender=store,
        history=store,
        research=JournalResearch(store),
        clock=wall_clock,
    )
    hub = StreamHub(WatchedDesk(desk, turns))
    desk.outlets.append(hub)
    await hub.start()
    try:
        yield DeskLoad(desk, hub, source, instruments, turns)
    finally:
        await hub.stop()
        await desk.close()
        store.close()
        folder.close()


def _write_past(store: SqliteStore, count: int, instruments: Sequence[Instrument]) -> None:
    plan, written, now = session_plan(SIMPLE_STRATEGY, instruments=instruments), threading.Semaphore(0), wall_clock()
    for number in range(count):
        row = SessionRow(
            session_id=f"exec_20251201_120000_{number:08x}", revision=1, epoch="e1", created_ts=now - 10**9 + number,
            updated_ts=now, feed="fake", state="stopped", reason="Stopped by the trader.", is_degraded=False,
            entries_paused=False, idempotency_key=None, plan=plan,
            instances=tuple((version.name, item.id) for version in plan.strategies for item in plan.instruments),
        )  # fmt: skip
        commit = Commit(session_id=row.session_id, batch=None, events=(fact(EquityMarked, 1),), row=row)
        store.submit(commit, lambda _: written.release())
    for _ in range(count):
        written.acquire()
