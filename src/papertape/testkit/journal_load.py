"""A journal under load, and what a copy of it in a QuestDB must hold: every row once, every column equal."""

from __future__ import annotations

import random
import threading
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import cast

import msgspec

from papertape.journal.ports import Appender, Commit
from papertape.model import events
from papertape.model.entries import Batch, ClockTick, Entry, Quote, Trade
from papertape.model.samples import IndicatorSample, Samples
from papertape.model.session import SessionPlan, SessionRow, SimulationProfile
from papertape.model.tables import BARS, INDICATOR_VALUES, MIRRORED_TABLES, QUOTES, TRADES, Table
from papertape.model.views import BarView
from papertape.store.market_rows import market_rows, sample_rows
from papertape.store.questdb.address import QuestAddress
from papertape.store.rows import Row, rows_of
from papertape.store.schema import CODECS
from papertape.testkit.facts import fact
from papertape.testkit.questdb_server import execute, wait_until_applied
from papertape.testkit.store_contract import SESSION
from papertape.testkit.venue import PERPETUAL, SPOT

_KINDS = (events.SignalFired, events.InstanceTransitioned, events.OrderFilled, events.EquityMarked, events.AlertRaised)
_INSTRUMENTS = {each.id: each for each in (PERPETUAL, SPOT)}


class JournalLoad:
    """Makes the commits of one session, the same for the same seed, and keeps the rows a copy must have.

    Each commit holds a batch of `ticks` prints and quotes, 10 ms apart from `start_us` on, and one fact; the first
    holds the session's row and every tenth the samples of a clock tick.
    """

    def __init__(self, start_us: int, *, ticks: int = 10, session_id: str = SESSION, seed: int = 1) -> None:
        self.session_id = session_id
        self.expected: dict[str, list[Row]] = defaultdict(list)
        self._chance = random.Random(seed)
        self._start_us = start_us
        self.ticks = ticks
        self._entry_seq = 0
        self._commits = 0

    @property
    def ticks_written(self) -> int:
        """How many entries were made so far."""
        return self._entry_seq

    def commits(self, count: int) -> list[Commit]:
        """Return the next commits."""
        return [self._commit() for _ in range(count)]

    def write(self, store: Appender, count: int) -> None:
        """Write the next commits and return once they are durable."""
        durable = threading.Semaphore(0)
        failures: list[BaseException] = []

        def on_durable(error: BaseException | None) -> None:
            if error is not None:
                failures.append(error)
            durable.release()

        for commit in self.commits(count):
            store.submit(commit, on_durable)
        for _ in range(count):
            assert durable.acquire(timeout=30), "the store took too long"
        assert failures == []

    def _commit(self) -> Commit:
        self._commits += 1
        first_seq = self._entry_seq + 1
        entries = tuple(self._entry(first_seq + index) for index in range(self.ticks))
        self._entry_seq += len(entries)
        happened = cast("events.AnyEvent", fact(self._chance.choice(_KINDS), self._commits))
        commit = Commit(
            session_id=self.session_id,
            batch=Batch(first_seq=first_seq, entries=entries),
            events=(msgspec.structs.replace(happened, ts=self._time(first_seq)),),
            row=self._row() if self._commits == 1 else None,
            samples=self._samples(first_seq) if self._commits % 10 == 0 else None,
        )
        self._expect(commit)
        return commit

    def _time(self, seq: int) -> int:
        return self._start_us + 10_000 * seq

    def _entry(self, seq: int) -> Entry:
        now, price, size = self._time(seq), self._chance.randint(1, 10**12), self._chance.randint(1, 10**9)
        instrument = self._chance.choice(tuple(_INSTRUMENTS))
        if seq % 100 == 0:
            return ClockTick(ts=now, recv_ts=now)
        if seq % 2:
            return Trade(
                ts=now, recv_ts=now, instrument=instrument, price=price, size=size, side="buy", trade_id=f"t-{seq}"
            )
        return Quote(ts=now, recv_ts=now, instrument=instrument, bid=price, bid_size=size, ask=price + 1, ask_size=size)

    def _samples(self, seq: int) -> Samples:
        value = IndicatorSample(
            strategy="ema-cross", instrument=SPOT.id, indicator="ema_fast", value=self._chance.random(), reason=None
        )
        missing = msgspec.structs.replace(value, indicator="ema_slow", value=None, reason="9 of 20 bars are there.")
        now = self._time(seq)
        bar = BarView(
            instrument=SPOT.id, interval_s=1, ts=now, open=1.5, high=2.5, low=0.1, close=0.3, volume=seq / 7,
            is_partial=False,
        )  # fmt: skip
        return Samples(entry_seq=seq, ts=now, indicators=(value, missing), bars=(bar,))

    def _row(self) -> SessionRow:
        plan = SessionPlan(
            mode="PAPER", strategies=(), instruments=tuple(_INSTRUMENTS.values()), capital=Decimal(10_000),
            currency="USDT", profile=SimulationProfile(),
        )  # fmt: skip
        return SessionRow(
            session_id=self.session_id, revision=1, epoch="e1", created_ts=self._start_us, updated_ts=self._start_us,
            feed="test", state="running", reason="", is_degraded=False, entries_paused=False, idempotency_key=None,
            plan=plan, instances=(),
        )  # fmt: skip

    def _expect(self, commit: Commit) -> None:
        direct = {table.name for table in MIRRORED_TABLES}
        for table, row in rows_of(commit):
            if table.name in direct:
                self.expected[table.name].append(row)
        if commit.batch is not None:
            trades, quotes = market_rows(self.session_id, commit.batch, _INSTRUMENTS)
            self._expect_records(TRADES, trades)
            self._expect_records(QUOTES, quotes)
        if commit.samples is not None:
            bars, values = sample_rows(self.session_id, commit.samples)
            self._expect_records(BARS, bars)
            self._expect_records(INDICATOR_VALUES, values)

    def _expect_records(self, table: Table, records: Sequence[msgspec.Struct]) -> None:
        encode = CODECS[table.name].encode
        self.expected[table.name].extend(encode(self.session_id, record) for record in records)


def copied_rows(address: QuestAddress, table: Table) -> list[Row]:
    """Return what a QuestDB shows of a table, as the journal would hold it, in the order of the rows."""
    columns = ", ".join(
        f"cast({column.name} AS LONG)" if column.name == table.time else column.name
        for column in CODECS[table.name].columns
    )
    return sorted_rows([tuple(row) for row in execute(address, f"SELECT {columns} FROM {table.name}")])


def sorted_rows(rows: list[Row]) -> list[Row]:
    """Return rows in one order, whatever order they came in."""
    return sorted(rows, key=repr)


def assert_copied(address: QuestAddress, *loads: JournalLoad) -> None:
    """Assert that a QuestDB shows every row of the loads once, each with all its columns, and no other row."""
    wait_until_applied(address)
    for table in MIRRORED_TABLES:
        expected = [_plain(row) for load in loads for row in load.expected[table.name]]
        found = [_plain(row) for row in copied_rows(address, table)]
        assert (table.name, len(found)) == (table.name, len(expected))
        assert sorted_rows(found) == sorted_rows(expected), f"the rows of {table.name} differ"


def _plain(row: Row) -> Row:
    return tuple(int(value) if isinstance(value, bool) else value for value in row)
