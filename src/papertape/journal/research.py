"""The port of research: what is asked about a session's past, wherever it is kept.

The journal answers it with SQLite and its sealed segments; a copy in QuestDB answers the same with the same records.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from papertape.journal.ports import Filter
from papertape.model.instrument import InstrumentId
from papertape.model.market_rows import IndicatorValueRow
from papertape.model.market_rows import SignalInContext as SignalInContext
from papertape.model.session import SessionId
from papertape.model.tables import Table
from papertape.model.views import BarView
from papertape.model.views import Source as Source

T = TypeVar("T")


class Found(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """What was found and where; `note` says why another place than the configured one answered, None otherwise."""

    items: list[T]
    source: Source
    note: str | None = None


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of exchange time, microseconds UTC: `start_ts <= ts < end_ts`; None is open."""

    start_ts: int | None = None
    end_ts: int | None = None


class Research(Protocol):
    """Answers questions about the past of one session. Every method may raise `Unavailable`."""

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
        """Return records of one event table, as `History.events` does."""

    async def bars(
        self, session_id: SessionId, instrument: InstrumentId, interval_s: int, span: Span, *, limit: int = 1000
    ) -> Found[BarView]:
        """Return the newest `limit` bars of an instrument within a span, oldest first, built from its trades.

        Bars are aligned to the epoch and are never cut: the span holds where a bar opens. Times without a trade make
        none. The trades of a bar count in the order of their seq, those of the warm-up too. A bar is partial when no
        trade of the instrument at or after its end is recorded.
        """

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
        """Return the newest `limit` samples of one indicator within a span, oldest first.

        Where several samples have the same time, the last one journalled counts.
        """

    async def latest_values(self, session_id: SessionId) -> Found[IndicatorValueRow]:
        """Return the newest sample of every indicator of a session, by series."""

    async def signals_in_context(self, session_id: SessionId, *, limit: int = 100) -> Found[SignalInContext]:
        """Return the newest signals, newest first, each with the newest quote of its instrument at or before its time.

        Where several quotes have that time, the last one journalled counts.
        """
