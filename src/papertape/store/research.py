"""Chooses where a question about the past is answered: in the copy when it has everything, else in the journal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

import msgspec

from papertape.errors import PapertapeError, Unavailable
from papertape.journal.ports import Filter, History
from papertape.journal.research import Found, Research, SignalInContext, Span
from papertape.model.entries import Lifecycle
from papertape.model.instrument import InstrumentId
from papertape.model.market_rows import IndicatorValueRow
from papertape.model.session import SessionId, SessionRow
from papertape.model.tables import INDICATOR_VALUES, QUOTES, TRADES, Table
from papertape.model.views import BarView, MirrorStatus

T = TypeVar("T")

_ENDED: frozenset[Lifecycle] = frozenset({"stopped", "failed"})
"""A suspended session may be live in another moment."""
_SESSIONS_AT_START = 1_000
_PAUSE_S = 5.0
_DAY_US = 86_400_000_000


def _ended(row: SessionRow) -> bool:
    return row.state in _ENDED


class VisibleMirror(Protocol):
    """A copy, and up to when its readers see everything."""

    @property
    def visible_until(self) -> int:
        """Every commit durable before it is visible to the copy's readers; our clock, µs UTC, 0 when not known."""

    def status(self) -> MirrorStatus:
        """Return how the copy is doing, as of the last look at it."""


class ReadCopy(Research, Protocol):
    """Research on the copy."""

    async def close(self) -> None:
        """Let go of its connections."""


class MirroredResearch:
    """Implements `Research`: ended sessions from the copy when it is healthy and complete, everything else from the
    journal. What the copy cannot answer the journal answers, with a note that says why; after a copy that did not
    answer in time, the next questions do not wait for it.

    Args:
        quest: Reads the copy; closed with this.
        journal: Reads the journal.
        history: Tells a session's state; closed by who opened it.
        mirror: Feeds the copy.
        clock: Our wall clock, microseconds UTC, as the mirror's.
        monotonic: Seconds of a clock that never steps.
    """

    def __init__(
        self,
        quest: ReadCopy,
        journal: Research,
        history: History,
        mirror: VisibleMirror,
        *,
        clock: Callable[[], int],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._quest = quest
        self._journal = journal
        self._history = history
        self._mirror = mirror
        self._clock = clock
        self._monotonic = monotonic
        # When the end of a session was first seen: all of it was durable then, whatever time its row carries.
        self._seen_ts = {row.session_id: clock() for row in history.sessions(limit=_SESSIONS_AT_START) if _ended(row)}
        self._oldest_ts: dict[SessionId, int] = {}
        self._pause: tuple[float, str] | None = None

    async def events(
        self,
        table: Table,
        session_id: SessionId,
        *,
        after: int = 0,
        until: int | None = None,
        limit: int = 1000,
        filters: Sequence[Filter] = (),
        newest_first: bool = False,
    ) -> Found[Any]:
        """Return records of one event table; see `Research.events`."""

        def asked(research: Research) -> Awaitable[Found[Any]]:
            return research.events(
                table, session_id, after=after, until=until, limit=limit, filters=filters, newest_first=newest_first
            )

        return await self._answer(session_id, table, asked)

    async def bars(
        self, session_id: SessionId, instrument: InstrumentId, interval_s: int, span: Span, *, limit: int = 1000
    ) -> Found[BarView]:
        """Return the newest bars of an instrument within a span; see `Research.bars`."""
        return await self._answer(
            session_id, TRADES, lambda research: research.bars(session_id, instrument, interval_s, span, limit=limit)
        )

    async def indicator_values(
        self,
        session_id: SessionId,
        strategy: str,
        instrument: InstrumentId,
        indicator: str,
        span: Span,
        *,
        limit: int = 1000,
    ) -> Found[IndicatorValueRow]:
        """Return the newest samples of one indicator within a span; see `Research.indicator_values`."""

        def asked(research: Research) -> Awaitable[Found[IndicatorValueRow]]:
            return research.indicator_values(session_id, strategy, instrument, indicator, span, limit=limit)

        return await self._answer(session_id, INDICATOR_VALUES, asked)

    async def latest_values(self, session_id: SessionId) -> Found[IndicatorValueRow]:
        """Return the newest sample of every indicator; see `Research.latest_values`."""
        return await self._answer(session_id, INDICATOR_VALUES, lambda research: research.latest_values(session_id))

    async def signals_in_context(self, session_id: SessionId, *, limit: int = 100) -> Found[SignalInContext]:
        """Return the newest signals, each with its quote; see `Research.signals_in_context`."""
        return await self._answer(
            session_id, QUOTES, lambda research: research.signals_in_context(session_id, limit=limit)
        )

    async def close(self) -> None:
        """Close the connections to the copy."""
        await self._quest.close()

    async def _answer(
        self, session_id: SessionId, table: Table, asked: Callable[[Research], Awaitable[Found[T]]]
    ) -> Found[T]:
        row = await asyncio.to_thread(self._history.session, session_id)
        if row is None or not _ended(row):
            return await asked(self._journal)
        self._seen_ts.setdefault(session_id, self._clock())
        why = self._why_not(row) or await asyncio.to_thread(self._why_expired, row, table)
        if why is None:
            try:
                found = await asked(self._quest)
            except Unavailable as error:
                why = error.message
                self._note_failure(error)
            else:
                self._pause = None
                return found
        return msgspec.structs.replace(await asked(self._journal), note=f"Read from the journal on this machine: {why}")

    def _why_not(self, row: SessionRow) -> str | None:
        status = self._mirror.status()
        if not status.is_healthy:
            return status.detail
        if self._seen_ts[row.session_id] > self._mirror.visible_until:
            return f"the copy at {status.location} may not have everything of this session yet; ask again in a moment."
        if self._pause is not None:
            until, why = self._pause
            now = self._monotonic()
            if now < until:
                return why
            self._pause = (now + _PAUSE_S, why)  # one question tries; those beside it do not wait with it
        return None

    def _why_expired(self, row: SessionRow, table: Table) -> str | None:
        if table.ttl_days is None:
            return None
        kept_from = self._mirror.visible_until - (table.ttl_days - 1) * _DAY_US
        if self._oldest(row) >= kept_from:
            return None
        return (
            f"the copy at {self._mirror.status().location} keeps {table.name} for {table.ttl_days} days of market "
            "time, and this session reaches further back."
        )

    def _oldest(self, row: SessionRow) -> int:
        """Return the time of the session's first entry, which is an old one when it replays the past."""
        if row.session_id not in self._oldest_ts:
            try:
                first = next(self._history.batches(row.session_id), None)
            except Unavailable:  # not known now: the journal has everything, however old it is
                return 0
            except PapertapeError:  # the tape's beginning is gone here, so that the copy is the better place
                first = None
            oldest_ts = first.entries[0].ts if first is not None and first.entries else row.created_ts
            self._oldest_ts[row.session_id] = oldest_ts
        return self._oldest_ts[row.session_id]

    def _note_failure(self, error: Unavailable) -> None:
        if error.code == "store.mirror_unreachable":
            self._pause = (self._monotonic() + _PAUSE_S, error.message)
