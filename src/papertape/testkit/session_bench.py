"""A desk on fakes: scripted market, store without a disk, time that passes when the test says so."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from papertape.model.entries import MarketEvent, Quote, Trade
from papertape.model.events import AnyEvent
from papertape.model.instrument import Instrument
from papertape.model.session import StartSession
from papertape.model.tables import EVENT_TABLES
from papertape.model.views import SessionView
from papertape.session.desk import Desk
from papertape.session.feeds import Feeds
from papertape.session.library import Library
from papertape.testkit.fake_mirror import FakeMirror
from papertape.testkit.fake_research import FakeResearch
from papertape.testkit.fake_source import FakeSource, FakeSubscription
from papertape.testkit.manual_time import PausingTime
from papertape.testkit.memory_store import MemoryStore

SIMPLE_STRATEGY = """
name: buy-the-tick
indicators:
  rate: {kind: trade_rate, params: {t1: 5}}
  spread: {kind: spread_pct}
sections:
  S1:
    conditions: [{indicator: rate, op: ">=", threshold: 0.2}]
  O1:
    timeout: 60s
  Z1:
    conditions: [{indicator: spread, op: "<=", threshold: 1}]
    order: {side: long, type: market, size: {quote: 1000}}
  ZE1:
    conditions: [{indicator: position_age_s, op: ">=", threshold: 10}]
  E1:
    conditions: [{indicator: unrealized_pnl_pct, op: "<=", threshold: -5}]
cooldown: {after_exit: 5s}
"""
"""Enters as soon as there are trades and a quote, closes after ten seconds, rests for five, and begins again."""

SLOW_STRATEGY = """
name: slow-average
indicators:
  average: {kind: sma, params: {interval: 60, period: 20}}
  price: {kind: last_price}
sections:
  S1:
    conditions: [{indicator: price, op: "<", other: average}]
  Z1:
    order: {side: long, type: market, size: {quote: 1000}, stop_loss_pct: 2}
"""
"""Needs twenty one-minute bars before it can judge anything."""


class MemoryFiles:
    """The trader's strategy files, in memory."""

    class File:
        """One saved text."""

        def __init__(self, text: str, version: int) -> None:
            self.text = text
            self.version = version

    def __init__(self, **texts: str) -> None:
        self._files = {name.replace("_", "-"): self.File(text, 1) for name, text in texts.items()}

    def names(self) -> list[str]:
        """Return the saved names."""
        return sorted(self._files)

    def read(self, name: str) -> File:
        """Return the newest text."""
        return self._files[name]

    def save(self, name: str, text: str) -> File:
        """Keep a new version."""
        before = self._files.get(name)
        self._files[name] = self.File(text, before.version + 1 if before else 1)
        return self._files[name]

    def delete(self, name: str) -> None:
        """Forget a name."""
        del self._files[name]


class Seen:
    """An outlet that remembers."""

    def __init__(self) -> None:
        self.facts: list[AnyEvent] = []
        self.changed: list[str] = []

    def facts_published(self, session_id: str, epoch: str, events: Sequence[AnyEvent]) -> None:
        """Remember durable facts."""
        _ = session_id, epoch
        self.facts += events

    def session_changed(self, session_id: str) -> None:
        """Remember that a session changed."""
        self.changed.append(session_id)


class SessionBench:
    """One desk and everything around it; `restart` gives a new desk on the same store, as after a crash."""

    def __init__(
        self,
        source: FakeSource,
        *,
        time: PausingTime | None = None,
        store: MemoryStore | None = None,
        mirror: FakeMirror | None = None,
    ) -> None:
        self.source = source
        self.mirror = mirror
        self.time = time or PausingTime()
        self.store = store or MemoryStore(self.time.clock)
        self.research = FakeResearch(self.store)
        self.store.mirror = mirror
        self.seen = Seen()
        self.desk = Desk(
            feeds=Feeds({source.name: source}, source.name),
            library=Library(MemoryFiles(buy_the_tick=SIMPLE_STRATEGY, slow_average=SLOW_STRATEGY)),
            appender=self.store,
            history=self.store,
            research=self.research,
            mirror=mirror,
            clock=self.time.clock,
            pause=self.time.pause,
        )
        self.desk.outlets.append(self.seen)

    def restart(self, source: FakeSource) -> SessionBench:
        """Return a desk that finds what this one left, without its having said goodbye."""
        for task in asyncio.all_tasks():
            if task.get_name().startswith("session "):
                task.cancel()
        return SessionBench(source, time=self.time, store=self.store, mirror=self.mirror)

    async def start(self, *symbols: str, strategy: str = "buy-the-tick", key: str | None = None) -> SessionView:
        """Start a session."""
        return await self.desk.start(StartSession(strategies=(strategy,), symbols=symbols), key)

    @property
    def venue(self) -> FakeSubscription:
        """The newest subscription, to play the venue with."""
        return self.source.subscriptions[-1]

    def quote(self, instrument: Instrument, price: int, *, size: int = 1_000_000) -> Quote:
        """Return a quote one increment around `price`, now."""
        now = self.time.clock()
        return Quote(
            ts=now, recv_ts=now, instrument=instrument.id, bid=price - 1, bid_size=size, ask=price + 1, ask_size=size
        )

    def trade(self, instrument: Instrument, price: int) -> Trade:
        """Return a small print at `price`, now."""
        now = self.time.clock()
        return Trade(
            ts=now, recv_ts=now, instrument=instrument.id, price=price, size=100, side="buy", trade_id=str(now)
        )

    async def play(self, instruments: Sequence[Instrument], seconds: int, price: int = 10_000) -> None:
        """Let the market go on for some seconds: a quote and a trade for each instrument, four times a second."""
        for _ in range(seconds * 4):
            events: list[MarketEvent] = []
            for instrument in instruments:
                events += [self.quote(instrument, price), self.trade(instrument, price)]
            self.venue.emit(*events)
            await self.time.pass_time(0.25)

    def stored(self, session_id: str) -> list[AnyEvent]:
        """Return every durable fact of a session in order."""
        facts: list[AnyEvent] = []
        for table in EVENT_TABLES:
            facts += self.store.events(table, session_id, limit=100_000)
        return sorted(facts, key=lambda fact: fact.seq)
