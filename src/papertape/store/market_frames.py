"""The trades and quotes of a session as Polars frames, in the order of their seq; prices and sizes scaled integers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

import polars as pl

from papertape.model.entries import Batch, Quote, Trade
from papertape.model.instrument import InstrumentId
from papertape.model.session import SessionId
from papertape.store.history import SqliteHistory
from papertape.store.segments.format import SCHEMA

TRADE_COLUMNS = ("seq", "ts", "instrument", "price", "size")
QUOTE_COLUMNS = ("seq", "ts", "recv_ts", "instrument", "bid", "bid_size", "ask", "ask_size", "is_warmup")

_OF_BATCH = frozenset({"seq", "is_warmup"})


def trade_frame(history: SqliteHistory, session_id: SessionId, instrument: InstrumentId, start_ts: int) -> pl.DataFrame:
    """Return the trades of one instrument at or after `start_ts`, as `TRADE_COLUMNS`.

    Raises:
        Unavailable: the journal cannot be read now.
        NotFound: retention has removed a sealed part of the tape that reaches there.
        Broken: the tape has a hole, or part of it is damaged.
    """
    return _frame(history, session_id, Trade, TRADE_COLUMNS, {instrument}, start_ts)


def quote_frame(history: SqliteHistory, session_id: SessionId, instruments: Collection[InstrumentId]) -> pl.DataFrame:
    """Return the quotes of these instruments, as `QUOTE_COLUMNS`; raises as `trade_frame` does."""
    return _frame(history, session_id, Quote, QUOTE_COLUMNS, instruments, 0)


def bar_frame(trades: pl.DataFrame, interval_us: int) -> pl.DataFrame:
    """Return the bars of trades that are in the order of their seq, oldest first; volumes are exact sums of integers.

    Columns: ts (open, aligned to the epoch), open, high, low, close, volume.
    """
    price = pl.col("price")
    return (
        trades.group_by((pl.col("ts") // interval_us * interval_us).alias("ts"))
        .agg(
            price.first().alias("open"),
            price.max().alias("high"),
            price.min().alias("low"),
            price.last().alias("close"),
            pl.col("size").sum().alias("volume"),
        )
        .sort("ts")
    )


def newest_at(moments: pl.DataFrame, quotes: pl.DataFrame) -> pl.DataFrame:
    """Return each moment (column ts) with the quote at or before it; of quotes of one time, that of the highest seq.

    A moment before the first quote has nulls.
    """
    ordered = quotes.sort("ts", "seq").with_columns(pl.col("ts").alias("quote_ts"))
    return moments.sort("ts", maintain_order=True).join_asof(ordered, on="ts", strategy="backward")


def _frame(
    history: SqliteHistory,
    session_id: SessionId,
    kind: type[Trade | Quote],
    columns: tuple[str, ...],
    instruments: Collection[InstrumentId],
    start_ts: int,
) -> pl.DataFrame:
    schema = {name: SCHEMA[name] for name in columns}
    sealed = history.segments.of_session(session_id)
    frames = [
        history.segments.rows(segment, kinds=[str(kind.__struct_config__.tag)], columns=columns, since_ts=start_ts)
        for segment in sealed
        if segment.last_ts >= start_ts
    ]
    # What is sealed from here on is found too: the tail is asked for by its seq, wherever it is then.
    tail = history.batches(session_id, after_seq=max((segment.last_seq for segment in sealed), default=0))
    rows = list(_rows(tail, kind, columns, instruments, start_ts))
    found = pl.concat([*frames, pl.DataFrame(rows, schema=schema, orient="row")])
    return found.filter(pl.col("instrument").is_in(list(instruments)))


def _rows(
    batches: Iterable[Batch],
    kind: type[Trade | Quote],
    columns: tuple[str, ...],
    instruments: Collection[InstrumentId],
    start_ts: int,
) -> Iterator[tuple[Any, ...]]:  # Any: each column's own type
    fields = [name for name in columns if name not in _OF_BATCH]
    ends_with_warmup = columns[-1] == "is_warmup"
    for batch in batches:
        suffix = (batch.is_warmup,) if ends_with_warmup else ()
        for seq, entry in enumerate(batch.entries, batch.first_seq):
            if isinstance(entry, kind) and entry.instrument in instruments and entry.ts >= start_ts:
                yield (seq, *(getattr(entry, name) for name in fields), *suffix)
