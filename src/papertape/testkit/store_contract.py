"""What every store must do: one suite, run on the fake and on each driver.

A test module subclasses `StoreContract` and gives the fixture `store`.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from typing import Any, Protocol, TypeVar, get_args

import msgspec
import pytest

from papertape.errors import Broken, Invalid, PapertapeError
from papertape.journal.ports import Appender, Commit, Filter, History
from papertape.model.entries import Batch, BookGap, ClockTick, Entry, Trade
from papertape.model.events import AlertRaised, AnyEvent, SessionChanged, SignalFired
from papertape.model.session import SessionRow
from papertape.model.tables import ALERTS, EVENT_TABLES, FILLS, SESSION_EVENTS, SIGNALS, Table
from papertape.testkit.record_samples import sample

SESSION = "exec_20251227_165822_fe61be26"
OTHER = "exec_20251227_165823_00000000"
_WAIT_S = 10.0
_R = TypeVar("_R", bound=msgspec.Struct)


class Store(Appender, History, Protocol):
    """Both ports on one object, as drivers implement them."""

    def close(self) -> None:
        """Make durable what waits and let go."""


class Acknowledgements:
    """Collects what `on_durable` is called with."""

    def __init__(self, expected: int) -> None:
        self._expected = expected
        self._answers: list[tuple[object, BaseException | None]] = []
        self._all_in = threading.Event()

    def of(self, label: object) -> Any:  # Any: the on_durable callback, whatever the port calls it
        """Return an `on_durable` that notes its answer under `label`."""

        def on_durable(error: BaseException | None) -> None:
            self._answers.append((label, error))
            if len(self._answers) == self._expected:
                self._all_in.set()

        return on_durable

    def wait(self) -> list[tuple[object, BaseException | None]]:
        """Return all answers in the order they came, once all have."""
        assert self._all_in.wait(_WAIT_S), f"{len(self._answers)} of {self._expected} commits were answered"
        return self._answers


def commit(store: Appender, *commits: Commit) -> list[BaseException | None]:
    """Submit commits and return their answers once all are in."""
    answers = Acknowledgements(len(commits))
    for each in commits:
        store.submit(each, answers.of(None))
    return [error for _, error in answers.wait()]


def write(store: Appender, *commits: Commit) -> None:
    """Submit commits and wait until all are durable."""
    assert commit(store, *commits) == [None] * len(commits)


def facts(session_id: str, *events: AnyEvent) -> Commit:
    """Return a commit of facts only."""
    return Commit(session_id=session_id, batch=None, events=events)


def ticks(first_seq: int, last_seq: int, *, is_warmup: bool = False) -> Batch:
    """Return a batch of clock ticks with these seqs."""
    entries = tuple(ClockTick(ts=seq, recv_ts=seq) for seq in range(first_seq, last_seq + 1))
    return Batch(first_seq=first_seq, entries=entries, is_warmup=is_warmup)


def numbered(record: type[_R], count: int, seed: int) -> list[_R]:
    """Return generic records with seqs 1, 2, 3, …"""
    chance = random.Random(seed)
    return [msgspec.structs.replace(sample(record, chance), seq=seq) for seq in range(1, count + 1)]


def session_row(session_id: str, revision: int, **changes: object) -> SessionRow:
    """Return a generic row of a session."""
    row = sample(SessionRow, random.Random(f"{session_id} {revision}"))
    return msgspec.structs.replace(row, session_id=session_id, revision=revision, **changes)


def signal(seq: int, **changes: object) -> SignalFired:
    """Return a signal; `changes` replace its fields."""
    fired = SignalFired(
        seq=seq,
        ts=1_000_000 * seq,
        entry_seq=seq,
        strategy="pump-peak-short",
        instrument="BTCUSDT.BINANCE",
        section="S1",
        side="sell",
        price=61_800.2,
        outcome="accepted",
        reason="The price rose 3 % in 60 s.",
        trace=(),
    )
    return msgspec.structs.replace(fired, **changes)


def _seqs(records: Sequence[SignalFired]) -> list[int]:
    return [record.seq for record in records]


class StoreContract:
    """The behaviour of `Appender` and `History`."""

    @pytest.mark.parametrize("table", EVENT_TABLES, ids=lambda table: table.name)
    def test_every_fact_is_read_back_equal(self, store: Store, table: Table) -> None:
        events: list[Any] = numbered(table.record, 60, seed=1)
        write(store, facts(SESSION, *events))
        assert store.events(table, SESSION) == events

    def test_every_kind_of_entry_is_read_back_equal(self, store: Store) -> None:
        chance = random.Random(2)
        entries = tuple(sample(kind, chance) for kind in get_args(Entry) for _ in range(10))
        batches = [Batch(first_seq=1, entries=entries, is_warmup=True), ticks(len(entries) + 1, len(entries) + 2)]
        write(store, *(Commit(session_id=SESSION, batch=batch) for batch in batches))
        assert list(store.batches(SESSION)) == batches

    def test_a_session_is_its_newest_revision(self, store: Store) -> None:
        rows = [session_row(SESSION, revision) for revision in (1, 2, 10)]
        write(store, *(Commit(session_id=SESSION, batch=None, row=row) for row in rows))
        assert store.session(SESSION) == rows[-1]
        assert store.session(OTHER) is None

    def test_sessions_are_listed_newest_first_and_once_each(self, store: Store) -> None:
        old = [session_row(SESSION, revision, created_ts=5) for revision in (1, 2)]
        new = session_row(OTHER, 1, created_ts=6)
        write(store, *(Commit(session_id=row.session_id, batch=None, row=row) for row in (*old, new)))
        assert store.sessions() == [new, old[1]]
        assert store.sessions(limit=1) == [new]

    def test_a_session_is_found_by_its_idempotency_key(self, store: Store) -> None:
        rows = [session_row(SESSION, revision, idempotency_key="key-1") for revision in (1, 2)]
        without = session_row(OTHER, 1, idempotency_key=None)
        write(store, *(Commit(session_id=row.session_id, batch=None, row=row) for row in (*rows, without)))
        assert store.session_by_idempotency_key("key-1") == rows[1]
        assert store.session_by_idempotency_key("key-2") is None

    def test_facts_are_read_between_positions(self, store: Store) -> None:
        write(store, facts(SESSION, *(signal(seq) for seq in range(1, 11))))
        assert _seqs(store.events(SIGNALS, SESSION, after=3, until=7)) == [4, 5, 6, 7]
        assert _seqs(store.events(SIGNALS, SESSION, after=3, limit=2)) == [4, 5]
        assert _seqs(store.events(SIGNALS, SESSION, newest_first=True, limit=3)) == [10, 9, 8]
        assert _seqs(store.events(SIGNALS, SESSION, until=2, newest_first=True)) == [2, 1]
        assert store.events(SIGNALS, SESSION, limit=0) == []
        assert store.events(SIGNALS, OTHER) == []

    def test_facts_are_filtered_by_text_integer_and_boolean(self, store: Store) -> None:
        flagged = [change for change in numbered(SessionChanged, 30, seed=3) if change.is_degraded]
        write(store, facts(SESSION, *numbered(SessionChanged, 30, seed=3), signal(31), signal(32, side=None, ts=7)))
        assert store.events(SESSION_EVENTS, SESSION, filters=[_is("is_degraded", "true")]) == flagged
        assert _seqs(store.events(SIGNALS, SESSION, filters=[_is("side", "sell"), _is("section", "S1")])) == [31]
        assert _seqs(store.events(SIGNALS, SESSION, filters=[_is("ts", "7")])) == [32]
        assert store.events(SIGNALS, SESSION, filters=[_is("strategy", "' OR 1=1 --")]) == []

    @pytest.mark.parametrize(("table", "column"), [(FILLS, "price"), (SIGNALS, "trace"), (SIGNALS, "price")])
    def test_a_filter_on_money_or_structure_is_refused(self, store: Store, table: Table, column: str) -> None:
        with pytest.raises(Invalid, match=f"Column {column} of {table.name}"):
            store.events(table, SESSION, filters=[_is(column, "1")])

    @pytest.mark.parametrize("text", ["soon", str(2**63)])
    def test_a_filter_that_is_no_number_of_64_bits_is_refused(self, store: Store, text: str) -> None:
        with pytest.raises(Invalid, match="give a whole number"):
            store.events(SIGNALS, SESSION, filters=[_is("ts", text)])

    def test_a_filter_on_an_undeclared_column_is_refused(self, store: Store) -> None:
        with pytest.raises(Broken, match="declares no column 'sides'"):
            store.events(SIGNALS, SESSION, filters=[_is("sides", "buy")])

    def test_last_seqs_are_those_of_the_session(self, store: Store) -> None:
        alert = msgspec.structs.replace(numbered(AlertRaised, 1, seed=4)[0], seq=3)
        write(
            store,
            Commit(session_id=SESSION, batch=ticks(1, 5), events=(signal(1), signal(2), alert)),
            Commit(session_id=OTHER, batch=ticks(1, 9), events=(signal(1),)),
        )
        assert (store.last_entry_seq(SESSION), store.last_event_seq(SESSION)) == (5, 3)
        assert (store.last_entry_seq("exec_none"), store.last_event_seq("exec_none")) == (0, 0)
        assert store.events(ALERTS, SESSION) == [alert]

    def test_batches_are_read_from_a_position(self, store: Store) -> None:
        batches = [ticks(1, 3), ticks(4, 4), ticks(5, 9)]
        write(store, *(Commit(session_id=SESSION, batch=batch) for batch in batches))
        assert [list(store.batches(SESSION, after_seq=seq)) for seq in (0, 2, 4, 5)] == [
            batches,
            batches[1:],
            batches[2:],
            [],
        ]

    def test_many_batches_are_read_in_order(self, store: Store) -> None:
        batches = [ticks(2 * index + 1, 2 * index + 2) for index in range(200)]
        write(store, *(Commit(session_id=SESSION, batch=batch) for batch in batches))
        assert list(store.batches(SESSION)) == batches

    def test_a_hole_on_the_tape_is_found(self, store: Store) -> None:
        write(store, *(Commit(session_id=SESSION, batch=batch) for batch in (ticks(1, 3), ticks(6, 7), ticks(8, 8))))
        reading = store.batches(SESSION)
        assert next(reading) == ticks(1, 3)
        with pytest.raises(Broken, match=f"{SESSION} has a hole: a batch was expected at seq 4, the next one .* at 6"):
            next(reading)
        with pytest.raises(Broken, match="expected at seq 4"):
            list(store.batches(SESSION, after_seq=3))

    def test_a_tape_that_does_not_start_at_one_is_found(self, store: Store) -> None:
        write(store, Commit(session_id=SESSION, batch=ticks(2, 3)))
        with pytest.raises(Broken, match="expected at seq 1"):
            list(store.batches(SESSION))

    def test_saved_views_are_replaced(self, store: Store) -> None:
        assert store.views(SESSION) is None
        for payload in (b"{}", b'{"summary":{}}'):
            store.save_views(SESSION, 1, payload)
            assert store.views(SESSION) == payload

    def test_commits_are_acknowledged_in_order(self, store: Store) -> None:
        answers = Acknowledgements(300)
        for seq in range(1, 301):
            session_id = (SESSION, OTHER)[seq % 2]
            store.submit(Commit(session_id=session_id, batch=ticks(seq, seq)), answers.of(seq))
        assert answers.wait() == [(seq, None) for seq in range(1, 301)]

    def test_an_empty_commit_is_acknowledged(self, store: Store) -> None:
        write(store, facts(SESSION))

    def test_what_is_acknowledged_is_readable_at_once(self, store: Store) -> None:
        seen: list[int] = []
        done = threading.Event()

        def on_durable(_: BaseException | None) -> None:
            seen.append(store.last_event_seq(SESSION))
            done.set()

        store.submit(facts(SESSION, signal(1)), on_durable)
        assert done.wait(_WAIT_S)
        assert seen == [1]

    def test_a_seq_written_before_halts_its_session_and_no_other(self, store: Store) -> None:
        write(store, facts(SESSION, signal(1)))
        again = Commit(session_id=SESSION, batch=ticks(1, 1), events=(signal(2), signal(1)))
        answers = commit(store, facts(OTHER, signal(1)), again, facts(OTHER, signal(2)))
        assert [type(answer) for answer in answers] == [type(None), Broken, type(None)]
        assert store.events(SIGNALS, SESSION) == [signal(1)]
        assert list(store.batches(SESSION)) == []
        assert _seqs(store.events(SIGNALS, OTHER)) == [1, 2]
        with pytest.raises(Broken, match=SESSION):
            store.submit(facts(SESSION, signal(3)), answers.append)
        assert store.status().is_healthy

    def test_what_cannot_be_encoded_is_refused_at_once(self, store: Store) -> None:
        entry = Trade(ts=1, recv_ts=1, instrument="A.B", price=2**70, size=1, side="buy", trade_id="1")
        with pytest.raises(Broken, match="cannot be encoded"):
            store.submit(Commit(session_id=SESSION, batch=Batch(first_seq=1, entries=(entry,))), _never)
        gap = BookGap(ts=1, recv_ts=1, instrument="A.B", reason="ids skipped")
        write(store, Commit(session_id=SESSION, batch=Batch(first_seq=1, entries=(gap,))))

    def test_a_probe_leaves_no_row(self, store: Store) -> None:
        store.probe()
        assert store.sessions() == []
        write(store, Commit(session_id=SESSION, batch=ticks(1, 1)))
        store.probe()
        assert list(store.batches(SESSION)) == [ticks(1, 1)]

    def test_the_status_counts_rows_and_knows_the_last_moment(self, store: Store) -> None:
        before = store.status()
        write(store, Commit(session_id=SESSION, batch=ticks(1, 5), events=(signal(1), signal(2))))
        after = store.status()
        assert (before.is_healthy, before.last_durable_ts, before.queue_length) == (True, None, 0)
        assert (after.is_healthy, after.last_error, after.queue_length) == (True, None, 0)
        assert after.rows_total - before.rows_total == 3
        assert after.last_durable_ts is not None


def _is(column: str, value: str) -> Filter:
    return Filter(column=column, value=value)


def _never(error: BaseException | None) -> None:
    raise PapertapeError(f"answered with {error!r} although it was refused", code="test.answered")
