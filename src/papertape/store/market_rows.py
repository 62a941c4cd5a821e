"""Turns the tape's batches and the samples into rows for research, prices and sizes in units of the instrument.

Only trades and quotes have tables of their own; the tape keeps the rest.
"""

from __future__ import annotations

from collections.abc import Mapping

from papertape.errors import Broken
from papertape.model.entries import Batch, Quote, Trade
from papertape.model.instrument import Instrument, InstrumentId
from papertape.model.market_rows import BarRow, IndicatorValueRow, QuoteRow, TradeRow
from papertape.model.samples import Samples
from papertape.model.session import SessionId


def series_of(*parts: str | int) -> str:
    """Return the one key of a series from its parts."""
    return "|".join(str(part) for part in parts)


def market_rows(
    session_id: SessionId, batch: Batch, instruments: Mapping[InstrumentId, Instrument]
) -> tuple[list[TradeRow], list[QuoteRow]]:
    """Return the trades and the quotes of a batch.

    Raises:
        Broken: an entry's instrument is not among `instruments`, so that its integers mean nothing.
    """
    trades: list[TradeRow] = []
    quotes: list[QuoteRow] = []
    for seq, entry in enumerate(batch.entries, batch.first_seq):
        if isinstance(entry, Trade):
            trades.append(_trade(session_id, seq, entry, _instrument(session_id, seq, entry, instruments), batch))
        elif isinstance(entry, Quote):
            quotes.append(_quote(session_id, seq, entry, _instrument(session_id, seq, entry, instruments), batch))
    return trades, quotes


def sample_rows(session_id: SessionId, samples: Samples) -> tuple[list[BarRow], list[IndicatorValueRow]]:
    """Return the bars and the indicator values of one clock tick's samples."""
    bars = [
        BarRow(
            session_id=session_id,
            ts=bar.ts,
            series=series_of(session_id, bar.instrument, bar.interval_s),
            instrument=bar.instrument,
            interval_s=bar.interval_s,
            open=bar.open,
            high=bar.high,
            low=bar.low,
            close=bar.close,
            volume=bar.volume,
        )
        for bar in samples.bars
    ]
    values = [
        IndicatorValueRow(
            session_id=session_id,
            entry_seq=samples.entry_seq,
            ts=samples.ts,
            series=series_of(session_id, each.strategy, each.instrument, each.indicator),
            strategy=each.strategy,
            instrument=each.instrument,
            indicator=each.indicator,
            value=each.value,
            reason=each.reason,
        )
        for each in samples.indicators
    ]
    return bars, values


def _trade(session_id: SessionId, seq: int, trade: Trade, instrument: Instrument, batch: Batch) -> TradeRow:
    return TradeRow(
        session_id=session_id,
        seq=seq,
        ts=trade.ts,
        recv_ts=trade.recv_ts,
        series=series_of(session_id, trade.instrument),
        instrument=trade.instrument,
        price=instrument.price_float(trade.price),
        size=instrument.size_float(trade.size),
        side=trade.side,
        trade_id=trade.trade_id,
        is_warmup=batch.is_warmup,
    )


def _quote(session_id: SessionId, seq: int, quote: Quote, instrument: Instrument, batch: Batch) -> QuoteRow:
    return QuoteRow(
        session_id=session_id,
        seq=seq,
        ts=quote.ts,
        recv_ts=quote.recv_ts,
        series=series_of(session_id, quote.instrument),
        instrument=quote.instrument,
        bid=instrument.price_float(quote.bid),
        bid_size=instrument.size_float(quote.bid_size),
        ask=instrument.price_float(quote.ask),
        ask_size=instrument.size_float(quote.ask_size),
        is_warmup=batch.is_warmup,
    )


def _instrument(
    session_id: SessionId, seq: int, entry: Trade | Quote, instruments: Mapping[InstrumentId, Instrument]
) -> Instrument:
    instrument = instruments.get(entry.instrument)
    if instrument is None:
        known = ", ".join(sorted(instruments)) or "none"
        raise Broken(
            f"Entry {seq} of session {session_id} is about {entry.instrument}, whose decimals the session's row does "
            f"not tell (it knows {known}), so its price cannot be turned into a number for research. The tape keeps "
            "it; report this with the session's bundle.",
            code="store.unknown_instrument",
        )
    return instrument
