"""One live session: feeds its engine from a market source, makes everything durable, then shows it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
import structlog

from papertape.errors import Broken, PapertapeError, Unavailable
from papertape.journal.ports import Appender, Commit
from papertape.model.entries import (
    AlertNote,
    ClockTick,
    CloseAll,
    ClosePosition,
    Entry,
    Lifecycle,
    LifecycleChange,
    MarketEvent,
    PauseEntries,
    ResumeEntries,
)
from papertape.model.events import AnyEvent
from papertape.model.feed import FeedStatus
from papertape.model.instrument import InstrumentId
from papertape.model.session import SessionRow
from papertape.model.views import Check
from papertape.session.checks import check_vitals
from papertape.session.core import SessionCore
from papertape.session.ledger import CommitLedger
from papertape.session.lifecycle import ENDED, LIVE, LifecycleTrigger, next_lifecycle
from papertape.session.outlet import Outlet
from papertape.session.source import MarketSource, Subscription
from papertape.session.stages import Pipeline
from papertape.session.verdict import Verdict, judge
from papertape.session.vitals import Vitals

_WARMUP_CHUNK = 400
_CLOSE_DEADLINE_US = 15_000_000
_TICK_S = 1.0

_log = structlog.get_logger(__name__)


class Runner:
    """Runs one session from `starting` to its end. Everything happens on the event loop; `on_events` never awaits."""

    def __init__(
        self,
        row: SessionRow,
        core: SessionCore,
        *,
        source: MarketSource,
        appender: Appender,
        clock: Callable[[], int],
        outlets: Sequence[Outlet],
        plan_checks: Sequence[Check],
        on_ended: Callable[[Runner], None],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.row = row
        self.core = core
        self.source = source
        self.pipeline = Pipeline()
        self.plan_checks = tuple(plan_checks)
        self.checks: tuple[Check, ...] = ()
        self.started_ts = clock()
        self._appender = appender
        self._clock = clock
        self._outlets = outlets
        self._on_ended = on_ended
        self._pause = pause
        self._ledger = CommitLedger(appender, clock, self._published, self._break)
        self._subscription: Subscription | None = None
        self._feed_status = FeedStatus(state="connecting", detail=f"Connecting to {source.name}.")
        self._task: asyncio.Task[None] | None = None
        self._durable_revision = 0
        self._is_warming = False
        self._stopping_since: int | None = None

    @property
    def state(self) -> Lifecycle:
        """The lifecycle state as journalled."""
        return self.row.state

    @property
    def durable_seq(self) -> int:
        """The seq of the newest durable fact: what answers are true at."""
        return self._ledger.durable_seq

    @property
    def heads(self) -> dict[str, int]:
        """The newest durable seq of each must-not-lose topic."""
        return self._ledger.heads

    async def begin(self) -> None:
        """Make the session's row durable, then go on starting in the background.

        History is older than the start, so it is journalled before the first entry of the session's own time.
        """
        self._commit_row(self.row, None)
        await self._ledger.barrier()
        self._task = asyncio.create_task(self._run(is_resumed=False), name=f"session {self.row.session_id}")

    async def refuse(self, reason: str) -> None:
        """Make the session durable as failed: its instances are shown with the reason, and nothing runs."""
        self._commit_row(self.row, "start")
        self._move("checks_failed", reason)
        await self._ledger.barrier()

    async def resume(
        self, trigger: LifecycleTrigger, durable_seq: int, heads: dict[str, int], late: Sequence[AnyEvent]
    ) -> None:
        """Go on with a session restored from its tape; `late` are facts whose entries are durable but they are not."""
        self._ledger.start_after(durable_seq, heads)
        self._durable_revision = self.row.revision
        if late:
            self._ledger.submit(Commit(session_id=self.row.session_id, batch=None, events=tuple(late)))
        self._move(trigger, "Restored from the tape after a restart.", is_degraded=False)
        await self._ledger.barrier()
        self._task = asyncio.create_task(self._run(is_resumed=True), name=f"session {self.row.session_id}")

    # Market source ----------------------------------------------------------------------------------------------

    def on_events(self, events: Sequence[MarketEvent]) -> None:
        """Take a burst of live market events: journal, step, submit."""
        if self.state not in LIVE:
            return
        self.pipeline.note_events(events, self._clock())
        self._guard(lambda: self._feed(events))

    def on_status(self, status: FeedStatus) -> None:
        """Take a change of the feed's connection; a lost and a regained connection are alerts on the tape."""
        before, self._feed_status = self._feed_status, status
        if self.state not in LIVE or before.state == status.state:
            return
        if status.state == "ended":
            self._guard(lambda: self._end(status.detail))
        elif status.state in ("reconnecting", "failed"):
            self._alert("feed.lost", "warning", status.detail, "socket")
        elif before.state == "reconnecting":
            self._alert("feed.regained", "info", status.detail, "socket")

    # Commands ---------------------------------------------------------------------------------------------------

    def pause_entries(self) -> None:
        """Stop opening positions."""
        self._feed([PauseEntries(reason="Paused by the trader.", **self._stamp())])
        self._commit_row(msgspec.structs.replace(self.row, entries_paused=True), None)

    def resume_entries(self) -> None:
        """Open positions again."""
        self._feed([ResumeEntries(reason="Resumed by the trader.", **self._stamp())])
        self._commit_row(msgspec.structs.replace(self.row, entries_paused=False), None)

    def close_position(self, instrument: InstrumentId) -> None:
        """Close what is open on one instrument."""
        self._feed([ClosePosition(instrument=instrument, reason="Closed by the trader.", **self._stamp())])

    def stop(self, *, close_positions: bool, is_emergency: bool = False) -> None:
        """Begin to stop; positions are closed at the market, or left and marked open in the report."""
        reason = "Emergency stop by the trader." if is_emergency else "Stopped by the trader."
        if self.state != "stopping":
            self._move("stop", reason, is_degraded=self.row.is_degraded)
        self._stopping_since = self._clock()
        if close_positions:
            self._feed([CloseAll(reason=reason, is_emergency=is_emergency, **self._stamp())])
        else:
            self._stopping_since -= _CLOSE_DEADLINE_US

    async def suspend(self) -> None:
        """Keep everything and let go: the next start of the desk resumes the session."""
        if self.state not in LIVE:
            return
        await self._release()
        self._move("suspend", "The desk was stopped; its next start resumes this session.", is_degraded=False)
        await self._ledger.barrier()

    async def barrier(self) -> None:
        """Return once everything journalled so far is durable."""
        await self._ledger.barrier()

    # The session's own course -----------------------------------------------------------------------------------

    async def _run(self, *, is_resumed: bool) -> None:
        try:
            await self._connect(is_resumed=is_resumed)
            while self.state in LIVE:
                self._tick()
                await self._pause(_TICK_S)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  the session supervisor: any failure ends this session alone
            self._break(error)

    async def _connect(self, *, is_resumed: bool) -> None:
        instruments = self.core.plan.instruments
        self._is_warming = not is_resumed
        try:
            await (self._bridge_gap() if is_resumed else self._warm_up())
            trouble = None
        except Unavailable as error:
            trouble = error.message
        self._is_warming = False
        if not is_resumed and self.state == "starting":
            self._commit_row(self.row, "start")
        if trouble is not None:
            self._alert("feed.no_history", "warning", trouble, "venue")
        self._subscription = await self.source.subscribe(instruments, self)
        self._feed_status = self._subscription.status()

    async def _warm_up(self) -> None:
        history = await self.source.history(self.core.plan.instruments)
        for start in range(0, len(history), _WARMUP_CHUNK):
            if self.state != "starting":
                return
            self._feed(history[start : start + _WARMUP_CHUNK], is_warmup=True)
            await asyncio.sleep(0)

    async def _bridge_gap(self) -> None:
        since = self.core.tape.last_ts
        self.source.take_up(since, self.core.engine.last_prices())
        missed = await self.source.missed(self.core.plan.instruments, since)
        policy = "catch_up" if missed else "hold"
        away_s = max(0, self._now_at_venue() - since) / 1e6
        said = f"{len(missed)} missed trades were fetched and replayed" if missed else "nothing is filled for that time"
        self._alert(
            "session.gap",
            "warning",
            f"The desk was away for {away_s:.0f} s of market time; {said} (gap policy {policy}).",
            "journal",
        )
        if missed:
            self._feed(missed)

    def _tick(self) -> None:
        now = self._clock()
        if self._subscription is not None:
            self.on_status(self._subscription.status())
        if self.state not in LIVE:
            return
        self._feed([ClockTick(**self._stamp())])
        vitals = self.vitals(now)
        self.pipeline.sample(vitals)
        self.checks = tuple(check_vitals(vitals))
        verdict = judge(self.state, self.checks, is_degraded=self.row.is_degraded, age_us=now - self.started_ts)
        if verdict is not None:
            self._obey(verdict)
        elif self.state == "stopping":
            self._judge_stopping(now)

    def _obey(self, verdict: Verdict) -> None:
        self._change(verdict.trigger, verdict.state, verdict.reason, is_degraded=verdict.is_degraded)
        if verdict.check is not None:
            self._alert("session.degraded", "critical", verdict.reason, verdict.check.code, verdict.check.instrument)
        elif verdict.trigger == "restored":
            self._alert("session.restored", "info", verdict.reason, "session")

    def _judge_stopping(self, now: int) -> None:
        engine = self.core.engine
        is_flat = engine.open_position_count == 0 and not engine.has_working_orders
        self._stopping_since = self._stopping_since or now  # a desk that was killed while it stopped asks anew
        is_late = now - self._stopping_since >= _CLOSE_DEADLINE_US
        if is_flat:
            self._finish("Stopped; no position is open.")
        elif is_late:
            count = engine.open_position_count
            self._finish(f"Stopped; {count} position{'' if count == 1 else 's'} left open, as the report says.")

    def _finish(self, reason: str) -> None:
        self._move("closed", reason, is_degraded=False)
        asyncio.get_running_loop().create_task(self._unsubscribe())

    def _end(self, detail: str) -> None:
        self._move("source_ended", detail, is_degraded=False)
        self._stopping_since = self._clock() - _CLOSE_DEADLINE_US

    async def _release(self) -> None:
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._unsubscribe()

    async def _unsubscribe(self) -> None:
        if self._subscription is not None:
            await self._subscription.close()

    # Journal, store, stream -------------------------------------------------------------------------------------

    def _feed(self, entries: Sequence[Entry], *, is_warmup: bool = False, row: SessionRow | None = None) -> None:
        batch, facts = self.core.feed(entries, is_warmup=is_warmup)
        self.pipeline.note_step(entries, facts, self._clock())
        self._ledger.submit(Commit(session_id=self.row.session_id, batch=batch, events=tuple(facts), row=row))

    def _move(self, trigger: LifecycleTrigger, reason: str, *, is_degraded: bool = False) -> None:
        self._change(trigger, next_lifecycle(self.state, trigger), reason, is_degraded=is_degraded)

    def _change(self, trigger: str, state: Lifecycle, reason: str, *, is_degraded: bool) -> None:
        row = msgspec.structs.replace(self.row, state=state, reason=reason, is_degraded=is_degraded)
        self._commit_row(row, trigger)

    def _commit_row(self, row: SessionRow, trigger: str | None) -> None:
        self.row = msgspec.structs.replace(row, revision=self.row.revision + 1, updated_ts=self._clock())
        if trigger is None:
            self._ledger.submit(Commit(session_id=row.session_id, batch=None, row=self.row))
            return
        change = LifecycleChange(
            state=row.state,
            trigger=trigger,
            reason=row.reason,
            is_degraded=row.is_degraded,
            entries_paused=row.entries_paused,
            **self._stamp(),
        )
        self._feed([change], row=self.row)
        _log.info("session_changed", session_id=row.session_id, state=row.state, trigger=trigger, reason=row.reason)

    def _alert(
        self, code: str, severity: Any, message: str, stage: str, instrument: InstrumentId | None = None
    ) -> None:
        note = AlertNote(
            code=code, severity=severity, message=message, stage=stage, instrument=instrument, **self._stamp()
        )
        self._feed([note])

    def _published(self, commit: Commit) -> None:
        now = self._clock()
        self.pipeline.note_durable(len(commit.events) + (len(commit.batch.entries) if commit.batch else 0), now)
        if commit.events:
            for outlet in self._outlets:
                outlet.facts_published(self.row.session_id, self.row.epoch, commit.events)
            self.pipeline.note_published(len(commit.events), now)
        if commit.row is not None:
            self._durable_revision = commit.row.revision
            if commit.row.state in ENDED:
                self._on_ended(self)
            for outlet in self._outlets:
                outlet.session_changed(self.row.session_id)

    # Failure ----------------------------------------------------------------------------------------------------

    def _guard(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:  # noqa: BLE001  the session supervisor: any failure ends this session alone
            self._break(error)

    def _break(self, error: BaseException) -> None:
        if self.state not in LIVE:
            return
        message = error.message if isinstance(error, PapertapeError) else f"{type(error).__name__}: {error}"
        _log.error("session_failed", event_type="session_failed", error=message, session_id=self.row.session_id,
                   exc_info=error)  # fmt: skip
        self.row = msgspec.structs.replace(
            self.row, state="failed", reason=message, revision=self.row.revision + 1, updated_ts=self._clock()
        )
        try:
            self._ledger.submit(Commit(session_id=self.row.session_id, batch=None, row=self.row))
        except Broken:
            _log.error("session_row_not_written", session_id=self.row.session_id)  # the store itself is what failed
        for outlet in self._outlets:
            outlet.session_changed(self.row.session_id)
        asyncio.get_running_loop().create_task(self._unsubscribe())

    # Observation ------------------------------------------------------------------------------------------------

    def vitals(self, now: int) -> Vitals:
        """Return what is observed now."""
        engine = self.core.engine
        return Vitals(
            now=now,
            started_ts=self.started_ts,
            state=self.state,
            is_row_durable=self._durable_revision > 0,
            expected_instances=len(self.row.instances),
            instances=tuple(engine.instances()),
            instruments=tuple(instrument.id for instrument in self.core.plan.instruments),
            feed=self._feed_status,
            data_ts=self.pipeline.data_ts,
            quote_ts=self.pipeline.quote_ts,
            evaluated=frozenset(self.pipeline.evaluated),
            indicators=tuple(engine.indicators()),
            store=self._appender.status(),
            undurable_since=self._ledger.undurable_since,
            durable_ts=self._ledger.durable_ts,
            published_ts=self.pipeline.published_ts,
            is_warming=self._is_warming,
        )

    def _now_at_venue(self) -> int:
        # Until the feed has delivered, the venue's clock is unknown; ours may be years off a recording's.
        if self._feed_status.events == 0 and self.core.tape.last_ts:
            return self.core.tape.last_ts
        return self._clock() + self._feed_status.clock_offset_us

    def _stamp(self) -> dict[str, int]:
        return {"ts": self._now_at_venue(), "recv_ts": self._clock()}
