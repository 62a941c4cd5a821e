"""Answers questions about a session's past from QuestDB."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from papertape.errors import Broken, Unavailable
from papertape.journal.ports import Filter
from papertape.journal.research import Found, SignalInContext, Span
from papertape.model.events import SignalFired
from papertape.model.instrument import Instrument, InstrumentId
from papertape.model.market_rows import IndicatorValueRow, QuoteRow
from papertape.model.session import SessionId, SessionRow
from papertape.model.tables import INDICATOR_VALUES, QUOTES, SESSIONS, SIGNALS, Table
from papertape.model.views import BarView
from papertape.store.bar_span import bar_view, opens_within
from papertape.store.questdb import questions
from papertape.store.questdb.address import QuestAddress
from papertape.store.questdb.questions import Question
from papertape.store.questdb.reader import Reader
from papertape.store.questdb.words import row_of
from papertape.store.rows import decode_rows, filter_value
from papertape.store.schema import CODECS

_LARGEST = 2**63 - 1
_NEVER = 2**62
_TIMES_AT_ONCE = 100
_SESSIONS_KNOWN = 1_000


class QuestResearch:
    """Implements `Research` on a QuestDB that holds a copy of the journal; connects when it is asked first.

    Every question is answered or fails within `connect_s` and `answer_s` seconds.
    """

    def __init__(self, address: QuestAddress, *, connect_s: float = 2.0, answer_s: float = 10.0) -> None:
        self._address = address
        self._reader = Reader(address, connect_s=connect_s, answer_s=answer_s)
        self._known: dict[SessionId, dict[InstrumentId, Instrument]] = {}

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
        values = [_bound(table, each) for each in filters]
        question = questions.events(table, [each.column for each in filters], is_newest_first=newest_first)
        end = _LARGEST if until is None else until
        bindings = (session_id, max(after, -1), max(end, -1), max(0, limit), *values)
        return _found(await self._records(table, question, *bindings))

    async def bars(
        self, session_id: SessionId, instrument: InstrumentId, interval_s: int, span: Span, *, limit: int = 1000
    ) -> Found[BarView]:
        """Return the newest bars of an instrument within a span; see `Research.bars`."""
        known = (await self._instruments(session_id)).get(instrument)
        if known is None:
            return _found([])
        bindings = (float(10**known.size_decimals), session_id, instrument, *opens_within(span, interval_s))
        rows = await self._reader.rows(questions.bars(interval_s), *bindings, max(0, limit))
        last = await self._reader.rows(questions.last_trade(), session_id, instrument, 1)
        return _found(
            [
                bar_view(known, interval_s, ts, (opened, high, low, closed), volume, last[0][0])
                for ts, opened, high, low, closed, volume in reversed(rows)
            ]
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
        start_ts = 0 if span.start_ts is None else min(max(0, span.start_ts), _NEVER)
        end_ts = _NEVER if span.end_ts is None else min(max(0, span.end_ts), _NEVER)
        bindings = (session_id, strategy, instrument, indicator, start_ts, end_ts, max(0, limit))
        values = await self._records(INDICATOR_VALUES, questions.indicator_values(), *bindings)
        return _found(values[::-1])

    async def latest_values(self, session_id: SessionId) -> Found[IndicatorValueRow]:
        """Return the newest sample of every indicator; see `Research.latest_values`."""
        values: list[IndicatorValueRow] = await self._records(
            INDICATOR_VALUES, questions.latest_values(), session_id, _LARGEST
        )
        return _found(sorted(values, key=lambda value: value.series))

    async def signals_in_context(self, session_id: SessionId, *, limit: int = 100) -> Found[SignalInContext]:
        """Return the newest signals, each with its quote; see `Research.signals_in_context`."""
        signals: list[SignalFired] = (await self.events(SIGNALS, session_id, limit=limit, newest_first=True)).items
        if not signals:
            return _found([])
        seqs = [signal.seq for signal in signals]
        rows = await self._reader.rows(questions.quote_times(), session_id, min(seqs), max(seqs), _LARGEST)
        quote_ts: dict[int, int | None] = dict(rows)
        quotes = await self._quotes_at(session_id, {ts for ts in quote_ts.values() if ts is not None})
        return _found(
            [
                SignalInContext(signal=signal, quote=quotes.get((signal.instrument, quote_ts.get(signal.seq))))
                for signal in signals
            ]
        )

    async def check(self) -> None:
        """Learn whether questions are answered at all.

        Raises:
            Unavailable: they are not; the sentence says why and what to do.
        """
        await self._reader.check()

    async def recycle(self) -> None:
        """Use new connections from here on, as is needed after a migration."""
        await self._reader.recycle()

    async def close(self) -> None:
        """Close every connection."""
        await self._reader.close()

    async def _quotes_at(
        self, session_id: SessionId, times: set[int]
    ) -> dict[tuple[InstrumentId, int | None], QuoteRow]:
        """Return the quote of the highest seq of each instrument at each of these times."""
        newest: dict[tuple[InstrumentId, int | None], QuoteRow] = {}
        ordered = sorted(times)
        for start in range(0, len(ordered), _TIMES_AT_ONCE):
            some = ordered[start : start + _TIMES_AT_ONCE]
            question = questions.quotes_at(len(some))
            quotes: list[QuoteRow] = await self._records(QUOTES, question, session_id, _LARGEST, *some)
            for quote in sorted(quotes, key=lambda quote: quote.seq):
                newest[quote.instrument, quote.ts] = quote
        return newest

    async def _instruments(self, session_id: SessionId) -> dict[InstrumentId, Instrument]:
        if session_id not in self._known:
            rows: list[SessionRow] = await self._records(SESSIONS, questions.session_row(), session_id, 1)
            if not rows:
                return {}
            if len(self._known) >= _SESSIONS_KNOWN:
                self._known.clear()
            self._known[session_id] = {each.id: each for each in rows[0].plan.instruments}
        return self._known[session_id]

    async def _records(self, table: Table, question: Question, *values: object) -> list[Any]:
        rows = await self._reader.rows(question, *values)
        try:
            return decode_rows(table, [row_of(table, row) for row in rows])
        except Broken as error:
            raise Unavailable(
                f"QuestDB at {self._address.location} holds a row that papertape did not write so: {error.message}",
                code="store.mirror_differs",
            ) from error


def _found(items: list[Any]) -> Found[Any]:
    return Found(items=items, source="questdb")


def _bound(table: Table, each: Filter) -> object:
    value = filter_value(table, each.column, each.value)
    is_boolean = any(
        column.name == each.column and column.logical == "boolean" for column in CODECS[table.name].columns
    )
    return bool(value) if is_boolean else value
