"""What sessions did. One that runs here is answered from its journal and engine, any other one by research.

An answer says where it was read. What the store cannot answer is `Unavailable`: the question was right.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from papertape.errors import Broken, Invalid, Refused, Unavailable
from papertape.journal.ports import Filter, History
from papertape.journal.research import Found, Research, SignalInContext, Span
from papertape.model.instrument import InstrumentId
from papertape.model.market_rows import IndicatorValueRow
from papertape.model.session import SessionId, SessionRow
from papertape.model.tables import Table
from papertape.model.views import BarView
from papertape.session.archive import Archive
from papertape.session.runner import Runner
from papertape.strategy.parse import check_definition

_MOST_BARS = 10_000

T = TypeVar("T")


class Past:
    """Answers about the past of any session. Every method may raise `NotFound`, `Invalid` and `Unavailable`."""

    def __init__(
        self,
        history: History,
        research: Research,
        archive: Archive,
        row_of: Callable[[SessionId], SessionRow],
        runner_of: Callable[[SessionId], Runner | None],
    ) -> None:
        self._history = history
        self._research = research
        self._archive = archive
        self._row_of = row_of
        self._runner_of = runner_of

    async def facts(
        self,
        session_id: SessionId,
        table: Table,
        *,
        after: int = 0,
        until: int | None = None,
        limit: int = 1000,
        filters: Mapping[str, str] = {},
        newest_first: bool = False,
    ) -> Found[Any]:
        """Return durable records of one event table, `after < seq <= until`."""
        self._row_of(session_id)
        equal = [Filter(column=column, value=value) for column, value in filters.items()]
        if self._runner_of(session_id) is None:
            asked = self._research.events(
                table, session_id, after=after, until=until, limit=limit, filters=equal, newest_first=newest_first
            )
            return await _answered(asked)
        # Off the event loop: ten thousand with their traces take the better part of a second.
        reading = asyncio.to_thread(
            self._history.events,
            table, session_id, after=after, until=until, limit=limit, filters=equal, newest_first=newest_first,
        )  # fmt: skip
        return Found(items=await _answered(reading), source="journal")

    async def bars(
        self, session_id: SessionId, instrument: InstrumentId, interval_s: int, span: Span, limit: int
    ) -> Found[BarView]:
        """Return the newest `limit` bars of an instrument within a span, oldest first.

        A session that runs shows the bars of its engine. The last bars of one that ended were kept, the venue's own
        from before its start among them; other spans and intervals are built from its recorded trades.
        """
        _check_instrument(self._row_of(session_id), instrument)
        runner = self._runner_of(session_id)
        is_open = span == Span()
        if runner is not None:
            bars = runner.core.engine.bars(instrument, interval_s, limit if is_open else _MOST_BARS)
            return Found(items=[bar for bar in bars if _is_within(bar.ts, span)][-limit:], source="journal")
        if is_open:
            kept = await _answered(asyncio.to_thread(self._archive.bars, session_id, instrument, interval_s, limit))
            if kept:
                return Found(items=kept, source="journal")
        return await _answered(self._research.bars(session_id, instrument, interval_s, span, limit=limit))

    async def indicator_values(
        self,
        session_id: SessionId,
        strategy: str,
        instrument: InstrumentId,
        indicator: str,
        span: Span,
        limit: int,
    ) -> Found[IndicatorValueRow]:
        """Return the newest `limit` samples of one indicator within a span, oldest first."""
        row = self._row_of(session_id)
        _check_indicator(row, strategy, indicator)
        _check_instrument(row, instrument)
        asked = self._research.indicator_values(session_id, strategy, instrument, indicator, span, limit=limit)
        return await _answered(asked)

    async def latest_values(self, session_id: SessionId) -> Found[IndicatorValueRow]:
        """Return the newest sample of every indicator of a session, by series."""
        self._row_of(session_id)
        return await _answered(self._research.latest_values(session_id))

    async def signals_in_context(self, session_id: SessionId, limit: int) -> Found[SignalInContext]:
        """Return the newest signals, newest first, each with the newest quote of its instrument at its time."""
        self._row_of(session_id)
        return await _answered(self._research.signals_in_context(session_id, limit=limit))


async def _answered(asked: Awaitable[T]) -> T:
    try:
        return await asked
    except Broken as error:  # what is stored of this session is damaged; the desk and every other session are not
        raise Unavailable(error.message, code=error.code, path=error.path) from error


def _is_within(ts: int, span: Span) -> bool:
    return (span.start_ts is None or span.start_ts <= ts) and (span.end_ts is None or ts < span.end_ts)


def _check_instrument(row: SessionRow, instrument: InstrumentId) -> None:
    if instrument not in {item.id for item in row.plan.instruments}:
        raise Invalid(
            f"Session {row.session_id} does not watch {instrument!r}; it watches "
            f"{', '.join(item.id for item in row.plan.instruments)}.",
            code="instrument.not_watched",
            path="instrument",
        )


def _check_indicator(row: SessionRow, strategy: str, indicator: str) -> None:
    versions = {version.name: version for version in row.plan.strategies}
    if strategy not in versions:
        raise Invalid(
            f"Session {row.session_id} has no strategy {strategy!r}; it has {', '.join(versions) or 'none'}.",
            code="strategy.not_in_session",
            path="strategy",
        )
    try:
        known = tuple(check_definition(versions[strategy].definition).indicators)
    except Refused:  # this version does not take the definition any more; what was sampled can still be read
        return
    if indicator not in known:
        raise Invalid(
            f"Strategy {strategy!r} has no indicator {indicator!r}; it has {', '.join(known) or 'none'}.",
            code="indicator.not_in_strategy",
            path="indicator",
        )
