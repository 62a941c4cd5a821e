"""The trades and quotes of a session as Polars frames, in the order of their seq; prices and sizes scaled integers."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import polars as pl

from papertape.journal.ports import History
from papertape.model.entries import Quote, Trade
from papertape.model.instrument import InstrumentId
from papertape.model.session import SessionId

TRADE_COLUMNS = ("seq", "ts", "instrument", "price", "size")
QUOTE_COLUMNS = ("seq", "ts", "recv_ts", "instrument", "bid", "bid_size", "ask", "ask_size", "is_warmup")

_TYPES: dict[str, type[pl.DataType]] = {"instrument": pl.String, "is_warmup": pl.Boolean}
_OF_ENTRY = frozenset({"seq", "is_warmup"})


def trade_frame(history: History, session_id: SessionId, instrument: InstrumentId, start_ts: int) -> pl.DataFrame:
    """Return the trades of one instrument at or after `start_ts`, as `TRADE_COLUMNS`.

    Raises:
        Unavailable: the journal cannot be read now.
        Broken: the tape has a hole or cannot be decoded.
    """
    return _frame(history, session_id, Trade, TRADE_COLUMNS, {instrument}, start_ts)


def quote_frame(history: History, session_id: SessionId, instruments: Collection[InstrumentId]) -> pl.DataFrame:
    """Return the quotes of these instruments, as `QUOTE_COLUMNS`; raises as `trade_frame` does."""
    return _frame(history, session_id, Quote, QUOTE_COLUMNS, instruments, None)


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
    history: History,
    session_id: SessionId,
    kind: type[Trade | Quote],
    columns: tuple[str, ...],
    instruments: Collection[InstrumentId],
    start_ts: int | None,
) -> pl.DataFrame:
    schema = {name: _TYPES.get(name, pl.Int64) for name in columns}
    rows = _rows(history, session_id, kind, columns, instruments, start_ts)
    return pl.DataFrame(list(rows), schema=schema, orient="row")


def _rows(
    history: History,
    session_id: SessionId,
    kind: type[Trade | Quote],
    columns: tuple[str, ...],
    instruments: Collection[InstrumentId],
    start_ts: int | None,
) -> Iterator[tuple[Any, ...]]:  # Any: each column's own type
    fields = [name for name in columns if name not in _OF_ENTRY]
    ends_with_warmup = columns[-1] == "is_warmup"
    for batch in history.batches(session_id):
        suffix = (batch.is_warmup,) if ends_with_warmup else ()
        for seq, entry in enumerate(batch.entries, batch.first_seq):
            if (
                isinstance(entry, kind)
                and entry.instrument in instruments
                and (start_ts is None or entry.ts >= start_ts)
            ):
                yield (seq, *(getattr(entry, name) for name in fields), *suffix)
