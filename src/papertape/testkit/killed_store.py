"""A process that writes bursts like a live market's until it is killed, and prints what was acknowledged.

Started by `test_kill_rounds.py` as `python -m papertape.testkit.killed_store FOLDER SEED STORE`; goes on from
where the journal ends. It
prints `open` once it writes, then a line an acknowledged commit: the last entry, the last fact, the last sampled entry
and the revision of the session's row that are durable. STORE is `sqlite` or the address of a QuestDB.
"""

from __future__ import annotations

import os
import random
import sys
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from papertape.journal.ports import Commit
from papertape.model import events
from papertape.model.entries import Batch, ClockTick, Entry, Quote, Trade
from papertape.model.samples import IndicatorSample, Samples
from papertape.model.session import SessionPlan, SessionRow, SimulationProfile
from papertape.model.tables import SAMPLES
from papertape.model.views import BarView
from papertape.session.clock import wall_clock
from papertape.store.folder import open_folder
from papertape.store.questdb.address import parse_address
from papertape.store.questdb.mirror import open_mirror
from papertape.store.segments.sealer import Sealer, SealPolicy
from papertape.store.sqlite import SqliteStore, open_store
from papertape.testkit.facts import fact
from papertape.testkit.store_contract import SESSION
from papertape.testkit.venue import PERPETUAL, SPOT

START_US = 1_766_854_702_000_000
INSTRUMENTS = {each.id: each for each in (PERPETUAL, SPOT)}
POLICY = SealPolicy(segment_entries=5_000, live_entries=5_000, pause_s=0.2)
_KINDS: tuple[type[Any], ...] = (  # Any: a fact's type
    events.SignalFired, events.InstanceTransitioned, events.OrderFilled, events.EquityMarked, events.AlertRaised,
)  # fmt: skip
_MOST_WAITING = 64
_LARGEST_BURST = 60


class Market:
    """Makes the commits that follow what a journal holds: bursts, with their facts or one commit before them."""

    def __init__(self, store: SqliteStore, seed: int) -> None:
        self.entry = store.last_entry_seq(SESSION)
        self.fact = store.last_event_seq(SESSION)
        self.sample = max((row.entry_seq for row in store.records(SAMPLES, SESSION)), default=0)
        row = store.session(SESSION)
        self.revision = 0 if row is None else row.revision
        self._chance = random.Random(seed)
        self._late: tuple[events.AnyEvent, ...] = ()

    def next_commit(self) -> Commit:
        """Return what happens next."""
        if self._late:
            late, self._late = self._late, ()
            return Commit(session_id=SESSION, batch=None, events=late)
        first = self.entry + 1
        entries = tuple(self._entry(first + index) for index in range(self._chance.randint(1, _LARGEST_BURST)))
        self.entry += len(entries)
        happened = tuple(self._fact() for _ in range(self._chance.choice((0, 0, 1, 3))))
        if self._chance.random() < 0.3:
            happened, self._late = (), happened
        return Commit(
            session_id=SESSION,
            batch=Batch(first_seq=first, entries=entries),
            events=happened,
            row=self._row() if self.revision == 0 or self._chance.random() < 0.02 else None,
            samples=self._samples() if self._chance.random() < 0.2 else None,
        )

    def line(self, commit: Commit) -> str:
        """Return what is durable once a commit is."""
        fact_seq = self.fact - len(self._late)
        return f"{self.entry} {fact_seq} {self.sample} {self.revision}\n" if commit else ""

    def _entry(self, seq: int) -> Entry:
        now, chance = START_US + 1_000 * seq, self._chance
        if chance.random() < 0.02:
            return ClockTick(ts=now, recv_ts=now)
        instrument, price = chance.choice(tuple(INSTRUMENTS)), chance.randint(1, 10**12)
        common: dict[str, Any] = {"ts": now, "recv_ts": now, "instrument": instrument}
        if chance.random() < 0.5:
            return Trade(**common, price=price, size=chance.randint(1, 10**9), side="buy", trade_id=str(seq))
        return Quote(**common, bid=price, bid_size=seq, ask=price + 1, ask_size=seq)

    def _fact(self) -> events.AnyEvent:
        self.fact += 1
        kind = self._chance.choice(_KINDS)
        made: events.AnyEvent = fact(kind, self.fact)
        return msgspec.structs.replace(made, ts=START_US + 1_000 * self.entry, entry_seq=self.entry)

    def _samples(self) -> Samples:
        self.sample, now = self.entry, START_US + 1_000 * self.entry
        value = IndicatorSample(
            strategy="ema-cross", instrument=SPOT.id, indicator="ema", value=self._chance.random(), reason=None
        )
        bar = BarView(
            instrument=SPOT.id, interval_s=1, ts=now, open=1.5, high=2.5, low=0.1, close=0.3, volume=self.entry / 7,
            is_partial=False,
        )  # fmt: skip
        return Samples(entry_seq=self.entry, ts=now, indicators=(value,), bars=(bar,))

    def _row(self) -> SessionRow:
        self.revision += 1
        plan = SessionPlan(
            mode="PAPER", strategies=(), instruments=tuple(INSTRUMENTS.values()), capital=Decimal(10_000),
            currency="USDT", profile=SimulationProfile(),
        )  # fmt: skip
        return SessionRow(
            session_id=SESSION, revision=self.revision, epoch="e1", created_ts=START_US,
            updated_ts=START_US + 1_000 * self.entry, feed="test", state="running", reason="", is_degraded=False,
            entries_paused=False, idempotency_key=None, plan=plan, instances=(),
        )  # fmt: skip


def main() -> None:
    folder, seed, address = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    store = open_store(open_folder(folder), wall_clock)
    if address != "sqlite":
        open_mirror(parse_address(address), store, wall_clock).start()
    Sealer(store, wall_clock, POLICY).start()
    market = Market(store, seed)
    room = threading.Semaphore(_MOST_WAITING)
    os.write(1, b"open\n")
    while True:
        commit = market.next_commit()
        line = market.line(commit).encode()

        def on_durable(error: BaseException | None, line: bytes = line) -> None:
            os.write(1, f"failed {error}\n".encode() if error else line)
            room.release()

        room.acquire()
        store.submit(commit, on_durable)


if __name__ == "__main__":
    main()
