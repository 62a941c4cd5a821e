"""The desk: every session, the feeds, the strategies. What the server and the command line talk to."""

from __future__ import annotations

import asyncio
import resource
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from weakref import WeakValueDictionary

import structlog

from papertape import __version__
from papertape.errors import Broken, Conflict, NotFound, PapertapeError, Unavailable
from papertape.journal.ports import Appender, Filter, History, Mirror
from papertape.journal.research import Research
from papertape.model.instrument import Instrument
from papertape.model.session import SessionId, SessionPlan, SessionRow, StartSession
from papertape.model.tables import Table
from papertape.model.views import Check, FeedView, HealthView, SessionView, StoreStatus, SystemView
from papertape.session.archive import Archive
from papertape.session.backtests import Backtests
from papertape.session.checks import check_plan, worst
from papertape.session.core import SessionCore
from papertape.session.feeds import Feeds
from papertape.session.health import judge_health
from papertape.session.keeping import keep_views
from papertape.session.latest import check_topic, followed_views, live_views, session_view
from papertape.session.library import Library
from papertape.session.lifecycle import ENDED, LifecycleTrigger, next_lifecycle
from papertape.session.outlet import Outlet
from papertape.session.past import Past
from papertape.session.planning import LIVE_MODES, make_plan
from papertape.session.recovery import restore
from papertape.session.runner import Runner
from papertape.session.source import MarketSource
from papertape.session.unsaved import Views

_ALL = 1_000_000_000
LISTED = 200
"""How many sessions are listed where nobody says how many."""

_log = structlog.get_logger(__name__)


class Desk:
    """All sessions of one data folder. Everything is called on the event loop."""

    def __init__(
        self,
        *,
        feeds: Feeds,
        library: Library,
        appender: Appender,
        history: History,
        research: Research,
        clock: Callable[[], int],
        backtests: Backtests | None = None,
        mirror: Mirror | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.library = library
        self.backtests = backtests or Backtests(None, library, history, clock)
        self.outlets: list[Outlet] = []
        self.started_ts = clock()
        self._feeds = feeds
        self._appender = appender
        self._history = history
        self._clock = clock
        self._pause = pause
        self._mirror = mirror
        self._archive = Archive(history)
        self._runners: dict[SessionId, Runner] = {}
        self._goodbyes: set[asyncio.Task[None]] = set()
        self._starting: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.past = Past(history, research, self._archive, self._row, self._runners.get)

    # Opening and closing the desk -------------------------------------------------------------------------------

    async def open(self) -> list[SessionId]:
        """Resume every session that was live or suspended when the desk last ended; return their ids."""
        waiting = [row for row in self._history.sessions(limit=_ALL) if row.state not in ENDED]
        self.sessions(LISTED)  # read once before anybody waits
        return [row.session_id for row in reversed(waiting) if row.plan.mode in LIVE_MODES and await self._recover(row)]

    async def close(self) -> None:
        """End the backtests, suspend every live session and let go of the feeds."""
        await self.backtests.close()
        for runner in list(self._runners.values()):
            try:
                await runner.suspend()
            except Broken as error:
                _log.error("not_suspended", session_id=runner.row.session_id, error=error.message)
            await keep_views(runner, self._history, self._clock())
        await asyncio.gather(*self._goodbyes)
        await self._feeds.close()

    @property
    def has_live_session(self) -> bool:
        """Whether any session runs here."""
        return any(runner.state not in ENDED for runner in self._runners.values())

    # Feeds ------------------------------------------------------------------------------------------------------

    def feeds(self) -> list[FeedView]:
        """Return the feeds on offer, the default first."""
        return self._feeds.views()

    async def instruments(self, feed: str | None, query: str, limit: int) -> list[Instrument]:
        """Return instruments of a feed whose id contains `query`; raises `Unavailable`, `Invalid`."""
        return await self._feeds.search(feed, query, limit)

    # Commands ---------------------------------------------------------------------------------------------------

    async def start(self, request: StartSession, idempotency_key: str | None) -> SessionView:
        """Start a session: the only way to make one. When this returns, its instances exist.

        The same idempotency key returns the same session. When a check before the start fails, the session is
        returned in state `failed` with the reason.

        Raises:
            Invalid: the request is wrong; nothing was created.
            NotFound: a strategy is unknown; nothing was created.
            Unavailable: the venue or the store does not answer; nothing was created.
        """
        if not idempotency_key:  # an empty one names nothing
            return await self._start(request, None)
        async with self._starting.setdefault(idempotency_key, asyncio.Lock()):
            known = self._history.session_by_idempotency_key(idempotency_key)
            if known is not None:
                return self.session(known.session_id)
            return await self._start(request, idempotency_key)

    async def _start(self, request: StartSession, idempotency_key: str | None) -> SessionView:
        source = self._feeds.source(request.feed)
        plan = await make_plan(request, self._feeds, self.library)
        checks = check_plan(plan, self._clock())
        await asyncio.to_thread(self._appender.probe)
        runner = self._new_runner(self._new_row(plan, source, idempotency_key), SessionCore(plan), source, checks)
        if worst(checks) == "failed":
            return await self._refuse(runner, checks)
        try:
            await runner.begin()
        except Broken as error:
            self._runners.pop(runner.row.session_id, None)
            raise Unavailable(error.message, code=error.code) from error
        return self.session(runner.row.session_id)

    async def stop(self, session_id: SessionId, *, close_positions: bool) -> SessionView:
        """Stop a session, closing its positions at the market or leaving them marked open."""
        row = self._row(session_id)
        if row.state == "suspended" and session_id not in self._runners:
            return await self._stop_waiting(row)
        return await self._give(session_id, "stop", lambda runner: runner.stop(close_positions=close_positions))

    async def emergency_stop(self, session_id: SessionId) -> SessionView:
        """Close everything at once and stop."""
        return await self._give(
            session_id, "emergency-stop", lambda runner: runner.stop(close_positions=True, is_emergency=True)
        )

    async def pause_entries(self, session_id: SessionId) -> SessionView:
        """Stop opening positions; exits keep working."""
        return await self._give(session_id, "pause-entries", Runner.pause_entries)

    async def resume(self, session_id: SessionId) -> SessionView:
        """Open positions again."""
        return await self._give(session_id, "resume", Runner.resume_entries)

    async def close_position(self, session_id: SessionId, instrument: str) -> SessionView:
        """Close what is open on one instrument; raises `NotFound` when nothing is."""

        def close(runner: Runner) -> None:
            if not any(position.instrument == instrument for position in runner.core.engine.equity().open_positions):
                raise NotFound(
                    f"Session {session_id} has no open position on {instrument}.",
                    code="position.none_open",
                    path="instrument",
                )
            runner.close_position(instrument)

        return await self._give(session_id, "close-position", close)

    # Reading ----------------------------------------------------------------------------------------------------

    def sessions(self, limit: int) -> list[SessionView]:
        """Return the newest sessions first."""
        return [self._view(row) for row in self._history.sessions(limit=limit)]

    def session(self, session_id: SessionId) -> SessionView:
        """Return one session; raises `NotFound`."""
        return self._view(self._row(session_id))

    def latest(self, session_id: SessionId, topic: str) -> Views:
        """Return the views of a topic by key, all of this moment; raises `NotFound` for a session or topic."""
        runner = self._runners.get(session_id)
        if runner is not None:
            return live_views(runner, topic, self._clock())
        return self._left_views(session_id, topic)

    def followed(self, session_id: SessionId, topic: str) -> Views:
        """Return the views of a topic for who asks ten times a second: each whole, some a tenth of a second old."""
        runner = self._runners.get(session_id)
        if runner is not None:
            return followed_views(runner, topic, self._clock())
        return self._left_views(session_id, topic)

    def _left_views(self, session_id: SessionId, topic: str) -> Views:
        row = self._row(session_id)
        if check_topic(topic) == "summary":
            return {session_id: self._view(row)}
        return self._archive.views(row, topic)

    def facts(
        self,
        session_id: SessionId,
        table: Table,
        *,
        after: int = 0,
        until: int | None = None,
        limit: int = 1000,
        filters: Mapping[str, str] = {},
        newest_first: bool = False,
    ) -> list[Any]:
        """Return durable records of one event table, `after < seq <= until`; raises `NotFound`, `Unavailable`."""
        self._row(session_id)
        equal = [Filter(column=column, value=value) for column, value in filters.items()]
        return self._history.events(
            table, session_id, after=after, until=until, limit=limit, filters=equal, newest_first=newest_first
        )

    def position(self, session_id: SessionId) -> tuple[str, int]:
        """Return the epoch and the newest durable fact seq: what answers are true at."""
        row = self._row(session_id)
        runner = self._runners.get(session_id)
        return row.epoch, runner.durable_seq if runner else self._history.last_event_seq(session_id)

    def head(self, session_id: SessionId, topic: str) -> int:
        """Return the newest durable seq of a must-not-lose topic, 0 when it has no fact."""
        runner = self._runners.get(session_id)
        heads = runner.heads if runner is not None else self._archive.heads(self._row(session_id))
        return heads.get(topic, 0)

    def allowed(self, session_id: SessionId) -> tuple[str, ...]:
        """Return the commands a trader may give now."""
        return self.session(session_id).allowed

    def system(self) -> SystemView:
        """Return the desk itself; the server adds connections and loop lag."""
        return SystemView(
            key="system",
            version=__version__,
            started_ts=self.started_ts,
            store=self._appender.status().location,
            connections=0,
            loop_lag_ms=0.0,
            memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        )

    def health(self) -> HealthView:
        """Return whether the store works and which session is degraded."""
        live = [runner.row for runner in self._runners.values() if runner.state not in ENDED]
        return judge_health(self.store(), live)

    # The store --------------------------------------------------------------------------------------------------

    def store(self) -> StoreStatus:
        """Return how the journal and its copy are doing."""
        return self._appender.status()

    async def resume_store(self) -> list[str]:
        """Let the copy go on with the tables its database has suspended and return their names.

        Raises:
            Conflict: no copy was asked for.
            Unavailable: the database does not answer, or refuses.
        """
        if self._mirror is None:
            raise Conflict(
                "This desk keeps its journal only, so nothing can be suspended; start it with "
                "--store questdb://USER:PASSWORD@HOST:9000 to have a copy for research.",
                code="store.no_mirror",
            )
        return await asyncio.to_thread(self._mirror.resume_suspended)

    # Inside -----------------------------------------------------------------------------------------------------

    def _new_row(self, plan: SessionPlan, source: MarketSource, idempotency_key: str | None) -> SessionRow:
        now = self._clock()
        stamp = datetime.fromtimestamp(now / 1e6, tz=UTC).strftime("%Y%m%d_%H%M%S")
        return SessionRow(
            session_id=f"exec_{stamp}_{secrets.token_hex(4)}",
            revision=0,
            epoch=secrets.token_hex(4),
            created_ts=now,
            updated_ts=now,
            feed=source.name,
            state="starting",
            reason="Reading history and connecting to the market.",
            is_degraded=False,
            entries_paused=False,
            idempotency_key=idempotency_key,
            plan=plan,
            instances=tuple((version.name, item.id) for version in plan.strategies for item in plan.instruments),
        )

    def _new_runner(self, row: SessionRow, core: SessionCore, source: MarketSource, checks: Sequence[Check]) -> Runner:
        runner = Runner(
            row, core, source=source, appender=self._appender, clock=self._clock, outlets=self.outlets,
            plan_checks=checks, on_ended=self._ended,
            pause=self._pause,
        )  # fmt: skip
        self._runners[row.session_id] = runner
        return runner

    async def _refuse(self, runner: Runner, checks: Sequence[Check]) -> SessionView:
        reason = next(check.detail for check in checks if check.status == "failed")
        session_id = runner.row.session_id
        _log.error("preflight_failed", event_type="preflight_failed", error=reason, session_id=session_id)
        await runner.refuse(reason)
        return self.session(session_id)

    async def _recover(self, row: SessionRow) -> bool:
        source = self._feeds.find(row.feed)
        if source is None:
            reason = f"Waits for its feed: start the desk with --feed {row.feed} to resume it."
            _log.warning("recovery_waits", session_id=row.session_id, reason=reason)
            self._archive.close_row(row, "suspended", reason, self._appender, self._clock())
            return False
        try:
            restored = await asyncio.to_thread(restore, row, self._history)
            checks = check_plan(row.plan, self._clock())
            trigger: LifecycleTrigger = "resume" if row.state == "suspended" else "recover"
            await self._new_runner(row, restored.core, source, checks).resume(trigger, restored)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001  the supervisor of restored sessions: one that cannot go on fails alone
            reason = error.message if isinstance(error, PapertapeError) else f"{type(error).__name__}: {error}"
            _log.error("recovery_failed", event_type="recovery_failed", error=reason, session_id=row.session_id,
                       exc_info=error)  # fmt: skip
            if self._runners.pop(row.session_id, None) is None:  # otherwise its runner has said so
                self._archive.close_row(row, "failed", reason, self._appender, self._clock())
            return False
        return True

    async def _stop_waiting(self, row: SessionRow) -> SessionView:
        stopped = next_lifecycle(row.state, "stop")
        reason = "Stopped while it waited for its feed; what was open is left open."
        self._archive.close_row(row, stopped, reason, self._appender, self._clock())
        await asyncio.to_thread(self._appender.probe)  # commits are durable in order: this one is the later
        return self.session(row.session_id)

    def _command(self, session_id: SessionId, command: str) -> Runner:
        row = self._row(session_id)
        runner = self._runners.get(session_id)
        allowed = self.allowed(session_id)
        if runner is None or command not in allowed:
            now = f"it is {row.state}" + (" with entries paused" if row.entries_paused else "")
            choices = f"it can take {', '.join(allowed)}" if allowed else "it takes no more commands"
            raise Conflict(
                f"Session {session_id} cannot take {command!r}: {now}; {choices}.", code="session.not_allowed"
            )
        return runner

    async def _give(self, session_id: SessionId, command: str, order: Callable[[Runner], None]) -> SessionView:
        runner = self._command(session_id, command)
        try:
            order(runner)
            await runner.barrier()
        except Broken as error:
            raise Unavailable(error.message, code=error.code) from error
        return self.session(runner.row.session_id)

    def _ended(self, runner: Runner) -> None:
        goodbye = asyncio.get_running_loop().create_task(self._put_away(runner))
        self._goodbyes.add(goodbye)
        goodbye.add_done_callback(self._goodbyes.discard)

    async def _put_away(self, runner: Runner) -> None:
        await keep_views(runner, self._history, self._clock())
        self._archive.forget(runner.row.session_id)
        self._runners.pop(runner.row.session_id, None)

    def _row(self, session_id: SessionId) -> SessionRow:
        runner = self._runners.get(session_id)
        row = runner.row if runner is not None else self._history.session(session_id)
        if row is None:
            raise NotFound(f"There is no session {session_id!r}; see the list of sessions.", code="session.unknown")
        return row

    def _view(self, row: SessionRow) -> SessionView:
        runner = self._runners.get(row.session_id)
        if runner is None:
            return self._archive.view(row, self._feeds.find(row.feed))
        return session_view(runner.row, runner.source, runner)
