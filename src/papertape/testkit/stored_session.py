"""A real session in a real data folder, played through the engine: what a desk would have left there."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec

from papertape.journal.ports import Commit
from papertape.model.entries import AlertNote, BookGap, ClockTick, Entry, Lifecycle, LifecycleChange, Quote, Trade
from papertape.model.instrument import Instrument
from papertape.model.session import SessionRow
from papertape.session.core import SessionCore
from papertape.session.recovery import restore
from papertape.store.folder import open_folder
from papertape.store.sqlite import SqliteStore, open_store
from papertape.testkit.engine_run import START_TS, session_plan
from papertape.testkit.session_bench import SIMPLE_STRATEGY
from papertape.testkit.venue import PERPETUAL, SPOT

SECOND = 1_000_000
STORED_ID = "exec_20251227_170000_0badcafe"


class StoredSession:
    """Writes one session into a data folder as its runner would; `crash_and_resume` leaves a gap in the middle."""

    def __init__(
        self,
        data_dir: Path,
        *,
        session_id: str = STORED_ID,
        strategies: Sequence[str] = (SIMPLE_STRATEGY,),
        instruments: Sequence[Instrument] = (PERPETUAL, SPOT),
    ) -> None:
        plan = session_plan(*strategies, instruments=instruments)
        if not strategies:
            plan = msgspec.structs.replace(plan, mode="RECORD")
        self.now = START_TS
        self.row = SessionRow(
            session_id=session_id, revision=1, epoch="e1", created_ts=START_TS, updated_ts=START_TS, feed="fake",
            state="running", reason="", is_degraded=False, entries_paused=False, idempotency_key=None, plan=plan,
            instances=tuple((version.name, item.id) for version in plan.strategies for item in plan.instruments),
        )  # fmt: skip
        self._data_dir = data_dir
        self._core = SessionCore(plan)
        self._submitted = 0
        self._durable = threading.Semaphore(0)
        self._failures: list[BaseException] = []
        self._open()
        self._commit((), row=self.row)

    def warm_up(self, seconds: int) -> None:
        """Journal history of the seconds before the start."""
        for second in range(-seconds, 0):
            self._commit(self._market(START_TS + second * SECOND), is_warmup=True)

    def play(self, seconds: int) -> None:
        """Let the market go on: four quotes and trades a second of each instrument, and a clock tick."""
        for _ in range(seconds):
            for quarter in range(4):
                self._commit(self._market(self.now + quarter * SECOND // 4))
            self.now += SECOND
            self._commit([ClockTick(ts=self.now, recv_ts=self.now)])
        self._settle()

    def crash_and_resume(self) -> None:
        """Forget everything but the journal, restore the session from it, and say that there is a gap."""
        self._folder_close()
        self.now += 60 * SECOND
        self._open()
        self._core = restore(self.row, self.store).core
        now, instruments = self.now, self.row.plan.instruments
        note = AlertNote(
            ts=now, recv_ts=now, code="session.gap", severity="warning", message="Away for 60 s.", stage="journal"
        )
        self._commit([note, *(BookGap(ts=now, recv_ts=now, instrument=one.id, reason="away") for one in instruments)])

    def end(self, state: Lifecycle = "stopped") -> SessionRow:
        """Journal the last change of the lifecycle, let go of the folder and return the session's row."""
        self.row = msgspec.structs.replace(self.row, revision=self.row.revision + 1, state=state, updated_ts=self.now)
        change = LifecycleChange(
            ts=self.now, recv_ts=self.now, state=state, trigger="stop", reason="", is_degraded=False,
            entries_paused=False,
        )  # fmt: skip
        self._commit([change], row=self.row)
        self.store.save_views(self.row.session_id, self.now, b"{}")
        self._folder_close()
        return self.row

    def _open(self) -> None:
        self._folder = open_folder(self._data_dir)
        self.store: SqliteStore = open_store(self._folder, lambda: self.now)

    def _folder_close(self) -> None:
        self._settle()
        self.store.close()
        self._folder.close()

    def _market(self, ts: int) -> list[Entry]:
        entries: list[Entry] = []
        step = ts // (SECOND // 4)
        for number, one in enumerate(self.row.plan.instruments):
            price = 10_000 + 5_000 * number + step % 7
            entries.append(
                Quote(ts=ts, recv_ts=ts, instrument=one.id, bid=price - 1, bid_size=90_000, ask=price + 1, ask_size=7)
            )
            entries.append(
                Trade(
                    ts=ts,
                    recv_ts=ts,
                    instrument=one.id,
                    price=price,
                    size=100 + number,
                    side="buy" if step % 2 else "sell",
                    trade_id=f"T{step}",
                )
            )
        return entries

    def _commit(self, entries: Sequence[Entry], *, is_warmup: bool = False, row: SessionRow | None = None) -> None:
        commit = Commit(session_id=self.row.session_id, batch=None, row=row)
        if entries:
            batch, facts = self._core.feed(entries, is_warmup=is_warmup)
            samples = self._core.sampler.take(batch)
            commit = msgspec.structs.replace(commit, batch=batch, events=tuple(facts), samples=samples)
        self._submitted += 1
        self.store.submit(commit, self._acknowledge)

    def _acknowledge(self, error: BaseException | None) -> None:
        self._failures += [] if error is None else [error]
        self._durable.release()

    def _settle(self) -> None:
        while self._submitted:
            assert self._durable.acquire(timeout=20), "the store did not acknowledge a commit within 20 s"
            self._submitted -= 1
        assert self._failures == []
