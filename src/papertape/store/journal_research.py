"""Answers questions about a session's past from the journal: SQLite and its sealed segments, on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import polars as pl

from papertape.journal.ports import Filter
from papertape.journal.research import Found, SignalInContext, Span
from papertape.model.entries import Batch, Quote
from papertape.model.events import SignalFired
from papertape.model.instrument import Instrument, InstrumentId
from papertape.model.market_rows import IndicatorValueRow, QuoteRow
from papertape.model.session import SessionId
from papertape.model.tables import SAMPLES, SIGNALS, Table
from papertape.model.views import BarView
from papertape.store.bar_span import bar_view, opens_within
from papertape.store.history import SqliteHistory
from papertape.store.market_frames import bar_frame, newest_at, quote_frame, trade_frame
from papertape.store.market_rows import market_rows, sample_rows, series_of
from papertape.store.rows import samples_of


class JournalResearch:
    """Implements `Research` on the journal; whatever blocks runs on another thread."""

    def __init__(self, history: SqliteHistory) -> None:
        self._history = history

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
        records = await asyncio.to_thread(
            self._history.events,
            table, session_id, after=after, until=until, limit=limit, filters=filters, newest_first=newest_first,
        )  # fmt: skip
        return Found(items=records, source="journal")

    async def bars(
        self, session_id: SessionId, instrument: InstrumentId, interval_s: int, span: Span, *, limit: int = 1000
    ) -> Found[BarView]:
        """Return the newest bars of an instrument within a span; see `Research.bars`."""
        bars = await asyncio.to_thread(self._bars, session_id, instrument, interval_s, span, max(0, limit))
        return Found(items=bars, source="journal")

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
        wanted = (strategy, instrument, indicator)
        values = await asyncio.to_thread(self._indicator_values, session_id, wanted, span)
        return Found(items=values[max(0, len(values) - max(0, limit)) :], source="journal")

    async def latest_values(self, session_id: SessionId) -> Found[IndicatorValueRow]:
        """Return the newest sample of every indicator; see `Research.latest_values`."""
        values = await asyncio.to_thread(self._latest_values, session_id)
        return Found(items=values, source="journal")

    async def signals_in_context(self, session_id: SessionId, *, limit: int = 100) -> Found[SignalInContext]:
        """Return the newest signals, each with its quote; see `Research.signals_in_context`."""
        signals = await asyncio.to_thread(self._signals_in_context, session_id, limit)
        return Found(items=signals, source="journal")

    async def close(self) -> None:
        """Do nothing: the history is closed by who opened it."""

    def _instruments(self, session_id: SessionId) -> dict[InstrumentId, Instrument]:
        row = self._history.session(session_id)
        return {} if row is None else {each.id: each for each in row.plan.instruments}

    def _bars(
        self, session_id: SessionId, instrument: InstrumentId, interval_s: int, span: Span, limit: int
    ) -> list[BarView]:
        known = self._instruments(session_id).get(instrument)
        if known is None:
            return []
        start_ts, end_ts = opens_within(span, interval_s)
        trades = trade_frame(self._history, session_id, instrument, start_ts)
        if trades.is_empty():
            return []
        last_ts = int(trades["ts"].max())  # type: ignore[arg-type]  # a column of integers that is not empty
        bars = bar_frame(trades.filter(pl.col("ts") < end_ts), interval_s * 1_000_000)
        price = known.price_float
        return [
            bar_view(known, interval_s, ts, (price(opened), price(high), price(low), price(close)), volume, last_ts)
            for ts, opened, high, low, close, volume in bars.tail(limit).iter_rows()
        ]

    def _indicator_values(
        self, session_id: SessionId, wanted: tuple[str, str, str], span: Span
    ) -> list[IndicatorValueRow]:
        start_ts = 0 if span.start_ts is None else span.start_ts
        by_ts: dict[int, IndicatorValueRow] = {}
        for row in self._history.records(SAMPLES, session_id):
            if row.ts < start_ts or (span.end_ts is not None and row.ts >= span.end_ts):
                continue
            samples = samples_of(row)
            of_it = tuple(
                each for each in samples.indicators if (each.strategy, each.instrument, each.indicator) == wanted
            )
            _, values = sample_rows(session_id, msgspec.structs.replace(samples, indicators=of_it, bars=()))
            by_ts.update((value.ts, value) for value in values)
        return [by_ts[ts] for ts in sorted(by_ts)]

    def _latest_values(self, session_id: SessionId) -> list[IndicatorValueRow]:
        wanted = self._declared_series(session_id)
        newest: dict[str, IndicatorValueRow] = {}
        for row in self._history.newest_samples(session_id):
            _, values = sample_rows(session_id, msgspec.structs.replace(samples_of(row), bars=()))
            for value in values:
                before = newest.get(value.series)
                if before is None or value.ts > before.ts:
                    newest[value.series] = value
            if wanted and wanted <= newest.keys():
                break  # each tick samples every indicator, so older rows hold nothing newer
        return [newest[series] for series in sorted(newest)]

    def _declared_series(self, session_id: SessionId) -> set[str]:
        row = self._history.session(session_id)
        if row is None:
            return set()
        return {
            series_of(session_id, version.name, instrument.id, name)
            for version in row.plan.strategies
            for name in version.definition.get("indicators", {})
            for instrument in row.plan.instruments
        }

    def _signals_in_context(self, session_id: SessionId, limit: int) -> list[SignalInContext]:
        signals: list[SignalFired] = self._history.events(SIGNALS, session_id, limit=limit, newest_first=True)
        instruments = self._instruments(session_id)
        wanted = {signal.instrument for signal in signals} & instruments.keys()
        if not wanted:
            return [SignalInContext(signal=signal, quote=None) for signal in signals]
        quotes = quote_frame(self._history, session_id, wanted)
        found: dict[int, QuoteRow] = {}
        for instrument in wanted:
            ts_of = {signal.seq: signal.ts for signal in signals if signal.instrument == instrument}
            moments = pl.DataFrame({"signal": list(ts_of), "ts": list(ts_of.values())})
            joined = newest_at(moments, quotes.filter(pl.col("instrument") == instrument))
            for row in joined.drop_nulls("seq").iter_rows(named=True):
                found[row["signal"]] = _quote_row(session_id, row, instruments[instrument])
        return [SignalInContext(signal=signal, quote=found.get(signal.seq)) for signal in signals]


def _quote_row(session_id: SessionId, row: dict[str, Any], instrument: Instrument) -> QuoteRow:
    quote = Quote(
        ts=row["quote_ts"],
        recv_ts=row["recv_ts"],
        instrument=instrument.id,
        bid=row["bid"],
        bid_size=row["bid_size"],
        ask=row["ask"],
        ask_size=row["ask_size"],
    )
    batch = Batch(first_seq=row["seq"], entries=(quote,), is_warmup=row["is_warmup"])
    _, (quote_row,) = market_rows(session_id, batch, {instrument.id: instrument})
    return quote_row
