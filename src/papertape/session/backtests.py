"""The backtests of a desk: who waits, which one runs, what the newest came to. The running itself is a driver's."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

import msgspec
import structlog

from papertape.errors import Conflict, NotFound, PapertapeError
from papertape.journal.ports import History
from papertape.model.backtest import (
    BacktestId,
    BacktestProgress,
    BacktestResult,
    BacktestState,
    BacktestTask,
    BacktestView,
    StartBacktest,
)
from papertape.session.library import Library
from papertape.session.planning import make_backtest_plan, make_backtest_task

SESSION_PREFIX = "session:"
"""Data of a backtest that is the tape of a session."""

_ENDS: frozenset[BacktestState] = frozenset({"finished", "failed", "cancelled"})

_log = structlog.get_logger(__name__)


class BacktestRunner(Protocol):
    """The port: runs one backtest somewhere else than on the event loop."""

    def check(self, data: str) -> None:
        """Raise `Invalid` or `NotFound` when `data` is neither `session:ID` nor something in the imports."""

    async def run(self, task: BacktestTask, on_progress: Callable[[BacktestProgress], None]) -> BacktestResult:
        """Run to the end; cancelling ends it at once.

        Raises:
            Broken: it came to no result; the sentence says why.
            Unavailable: it could not be begun.
        """


class BacktestLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How many run and wait at the same time, and how many ended ones are remembered."""

    at_once: int = 1
    waiting: int = 3
    ended: int = 20


class Backtests:
    """Starts, watches and cancels backtests; everything is called on the event loop and kept in memory only.

    Without a runner every request is refused.
    """

    def __init__(
        self,
        runner: BacktestRunner | None,
        library: Library,
        history: History,
        clock: Callable[[], int],
        limits: BacktestLimits | None = None,
    ) -> None:
        self._runner = runner
        self._library = library
        self._history = history
        self._clock = clock
        self._limits = limits or BacktestLimits()
        self._places = asyncio.Semaphore(self._limits.at_once)
        self._views: dict[BacktestId, BacktestView] = {}
        self._tasks: dict[BacktestId, asyncio.Task[None]] = {}
        self._keys: dict[str, BacktestId] = {}

    def start(self, request: StartBacktest, idempotency_key: str | None) -> BacktestView:
        """Take a backtest on: it runs at once or when those before it have ended. The same key returns the same one.

        Raises:
            Invalid: the request is wrong.
            NotFound: a strategy or the data is unknown.
            Conflict: as many wait as may.
            Unavailable: the journal cannot be read.
        """
        known = self._keys.get(idempotency_key) if idempotency_key else None
        if known is not None:
            return self._views[known]
        if self._runner is None:
            raise Conflict("This desk runs no backtests; use `papertape backtest`.", code="backtest.no_runner")
        task = make_backtest_task(request, self._library)
        self._runner.check(task.data)
        self._check_plan(task)
        self._check_room()
        view = self._new_view(request)
        self._views[view.backtest_id] = view
        if idempotency_key:
            self._keys[idempotency_key] = view.backtest_id
        running = self._run(self._runner, view.backtest_id, task)
        self._tasks[view.backtest_id] = asyncio.create_task(running, name=view.backtest_id)
        return view

    def list(self) -> list[BacktestView]:
        """Return those that wait and run, and the newest that ended; the newest request first."""
        return list(reversed(self._views.values()))

    def get(self, backtest_id: BacktestId) -> BacktestView:
        """Return one backtest; raises `NotFound`."""
        view = self._views.get(backtest_id)
        if view is None:
            raise NotFound(
                f"There is no backtest {backtest_id!r}; the desk remembers the newest {self._limits.ended} that ended, "
                "and none from before its start.",
                code="backtest.unknown",
            )
        return view

    async def cancel(self, backtest_id: BacktestId) -> BacktestView:
        """Cancel a backtest that waits or runs, forget one that has ended; return its last view. Raises `NotFound`."""
        view = self.get(backtest_id)
        if view.state in _ENDS:
            self._forget(backtest_id)
            return view
        await self._end_task(backtest_id, "Cancelled by the trader.")
        return self._views.get(backtest_id, view)

    async def close(self) -> None:
        """End all of them, with their processes."""
        await asyncio.gather(*(self._end_task(each, "The desk was stopped.") for each in tuple(self._tasks)))

    def _check_plan(self, task: BacktestTask) -> None:
        if not task.data.startswith(SESSION_PREFIX):
            return
        session_id = task.data.removeprefix(SESSION_PREFIX)
        row = self._history.session(session_id)
        if row is None:
            raise NotFound(
                f"There is no session {session_id!r}; see the list of sessions.", code="session.unknown", path="data"
            )
        make_backtest_plan(task, row.plan.instruments)

    def _check_room(self) -> None:
        limits = self._limits
        if len(self._tasks) >= limits.at_once + limits.waiting:
            raise Conflict(
                f"{limits.at_once} backtest runs and {limits.waiting} wait, and this desk takes no more at a time; "
                "wait until one has ended, or cancel one.",
                code="backtest.full",
            )

    def _new_view(self, request: StartBacktest) -> BacktestView:
        now = self._clock()
        stamp = datetime.fromtimestamp(now / 1e6, tz=UTC).strftime("%Y%m%d_%H%M%S")
        return BacktestView(
            backtest_id=f"backtest_{stamp}_{secrets.token_hex(4)}",
            state="waiting",
            reason="Waits for the backtests before it." if self._tasks else "Starts.",
            code=None,
            data=request.data,
            strategies=request.strategies,
            symbols=request.symbols,
            capital=request.capital,
            profile=request.profile,
            created_ts=now,
            started_ts=None,
            ended_ts=None,
            entries_done=0,
            entries_total=None,
            percent=None,
            result=None,
        )

    async def _run(self, runner: BacktestRunner, backtest_id: BacktestId, task: BacktestTask) -> None:
        def note(progress: BacktestProgress) -> None:
            self._change(backtest_id, entries_done=progress.done, entries_total=progress.total,
                         percent=_percent(progress))  # fmt: skip

        try:
            async with self._places:
                self._change(backtest_id, state="running", reason="Runs.", started_ts=self._clock())
                result = await runner.run(task, note)
            self._end(backtest_id, "finished", "Ran to the end of its data.", percent=100.0, result=result)
        except PapertapeError as error:
            self._end(backtest_id, "failed", error.message, code=error.code)
        except Exception as error:  # noqa: BLE001  the supervisor of backtests: any failure ends this one alone
            _log.error("backtest_failed", backtest_id=backtest_id, exc_info=error)
            reason = f"The backtest failed ({type(error).__name__}: {error}); the desk's log says more."
            self._end(backtest_id, "failed", reason, code="internal")

    async def _end_task(self, backtest_id: BacktestId, reason: str) -> None:
        task = self._tasks[backtest_id]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if backtest_id in self._tasks:  # it was faster than its cancellation otherwise
            self._end(backtest_id, "cancelled", reason)

    def _change(self, backtest_id: BacktestId, **changes: object) -> None:
        self._views[backtest_id] = msgspec.structs.replace(self._views[backtest_id], **changes)

    def _end(self, backtest_id: BacktestId, state: BacktestState, reason: str, **changes: object) -> None:
        self._change(backtest_id, state=state, reason=reason, ended_ts=self._clock(), **changes)
        self._tasks.pop(backtest_id, None)
        ended = [each for each, view in self._views.items() if view.state in _ENDS]
        for old in ended[: max(0, len(ended) - self._limits.ended)]:
            self._forget(old)

    def _forget(self, backtest_id: BacktestId) -> None:
        del self._views[backtest_id]
        self._keys = {key: known for key, known in self._keys.items() if known != backtest_id}


def _percent(progress: BacktestProgress) -> float | None:
    return None if not progress.total else round(min(100.0, 100 * progress.done / progress.total), 1)
