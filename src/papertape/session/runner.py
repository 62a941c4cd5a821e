"""One live session: feeds its engine from a market source, makes everything durable, then shows it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import msgspec
import structlog

from papertape.errors import Broken, PapertapeError, Unavailable
from papertape.journal.ports import Appender
from papertape.model.entries import (
    AlertNote,
    ClockTick,
    CloseAll,
    ClosePosition,
    Lifecycle,
    LifecycleChange,
    MarketEvent,
    PauseEntries,
    ResumeEntries,
    Severity,
)
from papertape.model.feed import FeedStatus
from papertape.model.instrument import InstrumentId
from papertape.model.session import SessionRow
from papertape.model.views import Check
from papertape.session.approach import Approach
from papertape.session.checks import check_vitals
from papertape.session.core import SessionCore
from papertape.session.lifecycle import LIVE, LifecycleTrigger, next_lifecycle
from papertape.session.observer import Observer
from papertape.session.outlet import Outlet
from papertape.session.panels import Panels
from papertape.session.recovery import Restored
from papertape.session.scribe import Scribe
from papertape.session.source import MarketSource, Subscription
from papertape.session.verdict import CLOSE_DEADLINE_US, Verdict, judge, judge_stopping
from papertape.session.vitals import Vitals

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
        self.plan_checks = tuple(plan_checks)
        self.started_ts = clock()
        self._clock = clock
        self._pause = pause
        self._scribe = Scribe(
            row, core, appender=appender, clock=clock, outlets=outlets, on_broken=self._break,
            on_ended=lambda: on_ended(self),
        )  # fmt: skip
        self.panels = Panels(core)
        self._observer = Observer(core, self.panels, self._scribe, appender, self.started_ts)
        self._ledger = self._scribe.ledger
        self._feed = self._scribe.take
        self.pipeline = self._scribe.pipeline
        self._subscription: Subscription | None = None
        self._feed_status = FeedStatus(state="connecting", detail=f"Connecting to {source.name}.")
        self._task: asyncio.Task[None] | None = None
        self._is_live = False
        self._stopping_since: int | None = None
        self._approach = Approach(source, core, self._feed)
        self.checks = tuple(check_vitals(self.vitals(self.started_ts)))

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
        self._go(None)

    async def refuse(self, reason: str) -> None:
        """Make the session durable as failed: its instances are shown with the reason, and nothing runs."""
        self._commit_row(self.row, "start")
        self._move("checks_failed", reason)
        await self._ledger.barrier()

    async def resume(self, trigger: LifecycleTrigger, restored: Restored) -> None:
        """Go on with a session restored from its tape; one that had not gone live starts anew, history included."""
        self._ledger.start_after(restored.durable_seq, restored.heads)
        self._scribe.durable_revision = self.row.revision
        away_us: int | None = None
        if self._has_begun:
            away_us = max(0, self._clock() - self.core.tape.last_recv_ts)
            self._scribe.take_late(restored.late)
            self._move(trigger, "Restored from the tape after a restart.", is_degraded=False)
        else:
            self._commit_row(msgspec.structs.replace(self.row, state="starting"), None)
        await self._ledger.barrier()
        self._go(away_us)

    # Market source ----------------------------------------------------------------------------------------------

    def on_events(self, events: Sequence[MarketEvent]) -> None:
        """Take a burst of live market events: journal, step, submit."""
        if self.state not in LIVE or not events:
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
            self._guard(lambda: self._alert("feed.lost", "warning", status.detail, "socket"))
        elif before.state == "reconnecting":
            self._guard(lambda: self._alert("feed.regained", "info", status.detail, "socket"))

    # Commands ---------------------------------------------------------------------------------------------------

    def pause_entries(self) -> None:
        """Stop opening positions."""
        self._flag(PauseEntries(reason="Paused by the trader.", **self._stamp()), entries_paused=True)

    def resume_entries(self) -> None:
        """Open positions again."""
        self._flag(ResumeEntries(reason="Resumed by the trader.", **self._stamp()), entries_paused=False)

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
            self._stopping_since -= CLOSE_DEADLINE_US

    async def suspend(self) -> None:
        """Keep everything and let go: the next start of the desk resumes the session; one that stops goes on stopping.

        Raises:
            Broken: the store took no more; the session goes on from what is durable.
        """
        if self.state not in LIVE:
            return
        await self._release()
        reason = "The desk was stopped; its next start resumes this session."
        if self.state in ("starting", "running"):
            if self._has_begun:
                self._move("suspend", reason, is_degraded=False)
            else:
                self._commit_row(msgspec.structs.replace(self.row, state="suspended", reason=reason), None)
        await self._ledger.barrier()

    async def barrier(self) -> None:
        """Return once everything journalled so far is durable."""
        await self._ledger.barrier()

    # The session's own course -----------------------------------------------------------------------------------

    @property
    def _has_begun(self) -> bool:
        return self.core.engine.last_event_seq > 0

    def _go(self, away_us: int | None) -> None:
        self._task = asyncio.create_task(self._run(away_us), name=f"session {self.row.session_id}")

    async def _run(self, away_us: int | None) -> None:
        # The checks run from the first moment, also while the venue lets us wait.
        connecting = asyncio.create_task(self._connect(away_us), name=f"session {self.row.session_id} connects")
        try:
            while self.state in LIVE:
                self._tick()
                await asyncio.sleep(0)  # the loop turns between the step of the clock and what is judged of it
                self._judge()
                await self._pause(_TICK_S)
                if connecting.done():
                    connecting.result()
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  the session supervisor: any failure ends this session alone
            self._break(error)
        finally:
            connecting.cancel()
            await asyncio.gather(connecting, return_exceptions=True)

    async def _connect(self, away_us: int | None) -> None:
        trouble = None
        try:
            if away_us is None:
                await self._approach.warm_up(lambda: self.state == "starting")
            else:
                await self._approach.bridge_gap(away_us, self._say_gap, lambda: self.state in LIVE)
        except Unavailable as error:
            trouble = error.message
        if away_us is None and self.state == "starting":
            self._commit_row(self.row, "start")
        if self.state not in LIVE:
            return
        if trouble is not None:
            self._alert("feed.no_history", "warning", trouble, "venue")
        self._is_live = True
        self._subscription = await self.source.subscribe(self.core.plan.instruments, self)
        self._feed_status = self._subscription.status()
        if self.state not in LIVE:
            await self._unsubscribe()

    def _say_gap(self, message: str) -> None:
        self._alert("session.gap", "warning", message, "journal")

    def _tick(self) -> None:
        if self._subscription is not None:
            self.on_status(self._subscription.status())
        if self.state not in LIVE:
            return
        if self._is_live:  # before that, time would pass over what is still to be told of it
            self._feed([ClockTick(**self._stamp())])

    def _judge(self) -> None:
        if self.state not in LIVE:
            return
        now = self._clock()
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
        self._stopping_since = self._stopping_since or now  # a desk that was killed while it stopped asks anew
        waited_us = now - self._stopping_since
        reason = judge_stopping(engine.open_position_count, engine.has_working_orders, waited_us=waited_us)
        if reason is not None:
            self._finish(f"{self.row.reason} {reason}")

    def _finish(self, reason: str) -> None:
        self._let_go()
        self._move("closed", reason, is_degraded=False)

    def _end(self, detail: str) -> None:
        if self.state != "stopping":  # then nothing more can fill, and that is all
            self._move("source_ended", detail, is_degraded=False)
        self._stopping_since = self._clock() - CLOSE_DEADLINE_US

    async def _release(self) -> None:
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._unsubscribe()

    def _let_go(self) -> None:
        self._goodbye = asyncio.get_running_loop().create_task(self._unsubscribe())

    async def _unsubscribe(self) -> None:
        if self._subscription is not None:
            await self._subscription.close()

    # Journal, store, stream -------------------------------------------------------------------------------------

    def _flag(self, command: PauseEntries | ResumeEntries, *, entries_paused: bool) -> None:
        self.row = self._revised(msgspec.structs.replace(self.row, entries_paused=entries_paused))
        self._feed([command], row=self.row)

    def _move(self, trigger: LifecycleTrigger, reason: str, *, is_degraded: bool = False) -> None:
        self._change(trigger, next_lifecycle(self.state, trigger), reason, is_degraded=is_degraded)

    def _change(self, trigger: str, state: Lifecycle, reason: str, *, is_degraded: bool) -> None:
        row = msgspec.structs.replace(self.row, state=state, reason=reason, is_degraded=is_degraded)
        self._commit_row(row, trigger)

    def _commit_row(self, row: SessionRow, trigger: str | None) -> None:
        self.row = self._revised(row)
        if trigger is None:
            self._scribe.take_row(self.row)
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

    def _revised(self, row: SessionRow) -> SessionRow:
        return msgspec.structs.replace(row, revision=self.row.revision + 1, updated_ts=self._clock())

    def _alert(
        self, code: str, severity: Severity, message: str, stage: str, instrument: InstrumentId | None = None
    ) -> None:
        note = AlertNote(
            code=code, severity=severity, message=message, stage=stage, instrument=instrument, **self._stamp()
        )
        self._feed([note])

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
        failed = next_lifecycle(self.state, "broken")
        self.row = self._revised(msgspec.structs.replace(self.row, state=failed, reason=message))
        try:
            self._scribe.take_row(self.row)
        except Broken:
            _log.error("session_row_not_written", session_id=self.row.session_id)  # the store itself is what failed
        self._scribe.tell_change()
        self._let_go()

    # Observation ------------------------------------------------------------------------------------------------

    def vitals(self, now: int) -> Vitals:
        """Return what is observed now."""
        return self._observer.observe(now, state=self.state, feed=self._feed_status, is_warming=not self._is_live)

    def _now_at_venue(self) -> int:
        # Until the feed has delivered, the venue's clock is unknown; ours may be years off a recording's.
        if self._feed_status.events == 0 and self.core.tape.last_ts:
            return self.core.tape.last_ts
        return self._clock() + self._feed_status.clock_offset_us

    def _stamp(self) -> dict[str, int]:
        return {"ts": self._now_at_venue(), "recv_ts": self._clock()}
