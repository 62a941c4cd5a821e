"""What a session left, as files for other programs: market data from its tape, facts and samples from their tables.

Columns and their types are those of the declaration. The key of a series, which only a database needs, is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import msgspec

from papertape.errors import Invalid, NotFound
from papertape.journal.ports import Filter
from papertape.model.entries import Quote, Trade
from papertape.model.instrument import Instrument, InstrumentId
from papertape.model.market_file import MARKET_FILE_KEY, MarketFile
from papertape.model.session import SessionRow
from papertape.model.tables import BARS, EVENT_TABLES, INDICATOR_VALUES, QUOTES, SAMPLES, TRADES, Table
from papertape.store.history import SqliteHistory
from papertape.store.rows import samples_of
from papertape.store.schema import CODECS, columns_of
from papertape.store.sheet import Cells, Format, Heading, Sheet, write_sheet

_MARKET = (TRADES, QUOTES, BARS)
EXPORTS: dict[str, Table] = {
    table.name.replace("_", "-"): table for table in (*_MARKET, INDICATOR_VALUES, *EVENT_TABLES)
}
"""What can be exported, by the name a trader gives."""

_PAGE = 5_000
_SECOND = 1_000_000


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What to export. `instruments` is empty for all; `interval_s` concerns bars only."""

    table: Table
    instruments: tuple[InstrumentId, ...] = ()
    interval_s: int = 60


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """What was written. `unfinished_bars` are left out: nothing shows that they had ended."""

    session_id: str
    kind: str
    file: str
    format: Format
    rows: int
    size: int
    unfinished_bars: int = 0


def export_rows(
    history: SqliteHistory,
    row: SessionRow,
    wanted: Wanted,
    path: Path,
    *,
    kind: Format,
    is_forced: bool = False,
    on_rows: Callable[[int], None] = lambda _: None,
) -> Exported:
    """Write one kind of rows of a session to a new file, as of what is durable now.

    Raises:
        NotFound: the session has no such instrument, or the folder of the file does not exist.
        Invalid: the rows of this kind have no instrument, or the interval is impossible.
        Conflict: the file exists and `is_forced` is not set.
        Unavailable: the file cannot be written or the store not be read.
    """
    table = wanted.table
    chosen = _chosen(row, wanted)
    sheet = Sheet(_headings(table))
    unfinished: list[InstrumentId] = []
    rows = _rows(history, row, wanted, chosen, unfinished)
    metadata: dict[str, str] = {}
    if table in _MARKET:
        metadata[MARKET_FILE_KEY] = _head(row, wanted, chosen)
    count = write_sheet(path, sheet, rows, kind=kind, is_forced=is_forced, metadata=metadata, on_rows=on_rows)
    return Exported(
        session_id=row.session_id, kind=table.name, file=str(path), format=kind, rows=count,
        size=path.stat().st_size, unfinished_bars=len(unfinished),
    )  # fmt: skip


def _headings(table: Table) -> tuple[Heading, ...]:
    return tuple(Heading(column.name, column.logical) for column in columns_of(table) if column.name != "series")


def _head(row: SessionRow, wanted: Wanted, chosen: dict[InstrumentId, Instrument]) -> str:
    file = MarketFile(
        kind=wanted.table.name,  # type: ignore[arg-type]  # one of `_MARKET`
        instruments=tuple(chosen.values()),
        session_id=row.session_id,
        interval_s=wanted.interval_s if wanted.table is BARS else None,
    )
    return msgspec.json.encode(file).decode()


def _chosen(row: SessionRow, wanted: Wanted) -> dict[InstrumentId, Instrument]:
    known = {instrument.id: instrument for instrument in row.plan.instruments}
    if wanted.instruments and "instrument" not in wanted.table.record.__struct_fields__:
        raise Invalid(
            f"The {wanted.table.name} of a session belong to the whole session, not to an instrument; leave "
            "--instrument out.",
            code="export.no_instrument",
            path="instrument",
        )
    if wanted.interval_s < 1:
        raise Invalid(
            f"Bars of {wanted.interval_s} s do not exist; give --interval 1 or more seconds.",
            code="export.interval",
            path="interval",
        )
    for instrument in wanted.instruments:
        if instrument not in known:
            raise NotFound(
                f"Session {row.session_id} watched no instrument {instrument!r}; it watched {', '.join(known)}.",
                code="export.unknown_instrument",
                path="instrument",
            )
    return {key: known[key] for key in wanted.instruments} or known


def _rows(
    history: SqliteHistory,
    row: SessionRow,
    wanted: Wanted,
    chosen: dict[InstrumentId, Instrument],
    unfinished: list[InstrumentId],
) -> Iterator[Cells]:
    table, session_id = wanted.table, row.session_id
    if table is TRADES:
        return (cells for _, cells in _trades(history, session_id, chosen))
    if table is QUOTES:
        return _quotes(history, session_id, chosen)
    if table is BARS:
        return _bars(history, session_id, chosen, wanted.interval_s, unfinished)
    if table is INDICATOR_VALUES:
        return _values(history, session_id, chosen)
    return _facts(history, table, session_id, wanted.instruments)


def _trades(
    history: SqliteHistory, session_id: str, chosen: dict[InstrumentId, Instrument]
) -> Iterator[tuple[Trade, Cells]]:
    until = history.last_entry_seq(session_id)
    for batch in history.batches(session_id):
        if batch.first_seq > until:
            return
        for seq, entry in enumerate(batch.entries, batch.first_seq):
            if isinstance(entry, Trade) and (instrument := chosen.get(entry.instrument)) is not None:
                price, size = instrument.price_decimal(entry.price), instrument.size_decimal(entry.size)
                yield entry, (session_id, seq, entry.ts, entry.recv_ts, entry.instrument, price, size, entry.side,
                              entry.trade_id, batch.is_warmup)  # fmt: skip


def _quotes(history: SqliteHistory, session_id: str, chosen: dict[InstrumentId, Instrument]) -> Iterator[Cells]:
    until = history.last_entry_seq(session_id)
    for batch in history.batches(session_id):
        if batch.first_seq > until:
            return
        for seq, entry in enumerate(batch.entries, batch.first_seq):
            if isinstance(entry, Quote) and (instrument := chosen.get(entry.instrument)) is not None:
                yield (session_id, seq, entry.ts, entry.recv_ts, entry.instrument,
                       instrument.price_decimal(entry.bid), instrument.size_decimal(entry.bid_size),
                       instrument.price_decimal(entry.ask), instrument.size_decimal(entry.ask_size),
                       batch.is_warmup)  # fmt: skip


class _Bar:
    __slots__ = ("close", "high", "low", "open", "open_ts", "volume")

    def __init__(self, open_ts: int, trade: Trade) -> None:
        self.open_ts = open_ts
        self.open = self.high = self.low = self.close = trade.price
        self.volume = trade.size

    def take(self, trade: Trade) -> None:
        self.high = max(self.high, trade.price)
        self.low = min(self.low, trade.price)
        self.close = trade.price
        self.volume += trade.size


def _bars(
    history: SqliteHistory,
    session_id: str,
    chosen: dict[InstrumentId, Instrument],
    interval_s: int,
    unfinished: list[InstrumentId],
) -> Iterator[Cells]:
    interval = interval_s * _SECOND
    growing: dict[InstrumentId, _Bar] = {}
    for trade, _ in _trades(history, session_id, chosen):
        open_ts = trade.ts - trade.ts % interval
        bar = growing.get(trade.instrument)
        if bar is not None and bar.open_ts == open_ts:
            bar.take(trade)
            continue
        if bar is not None:
            yield _bar_cells(session_id, chosen[trade.instrument], interval_s, bar)
        growing[trade.instrument] = _Bar(open_ts, trade)
    unfinished += growing


def _bar_cells(session_id: str, instrument: Instrument, interval_s: int, bar: _Bar) -> Cells:
    prices: list[Decimal] = [instrument.price_decimal(units) for units in (bar.open, bar.high, bar.low, bar.close)]
    return (session_id, bar.open_ts, instrument.id, interval_s, *prices, instrument.size_decimal(bar.volume))


def _values(history: SqliteHistory, session_id: str, chosen: dict[InstrumentId, Instrument]) -> Iterator[Cells]:
    for record in history.records(SAMPLES, session_id):
        samples = samples_of(record)
        for one in samples.indicators:
            if one.instrument in chosen:
                yield (session_id, samples.entry_seq, samples.ts, one.strategy, one.instrument, one.indicator,
                       one.value, one.reason)  # fmt: skip


def _facts(
    history: SqliteHistory, table: Table, session_id: str, instruments: Sequence[InstrumentId]
) -> Iterator[Cells]:
    encode = CODECS[table.name].encode
    booleans = [column.logical == "boolean" for column in columns_of(table)]
    # One instrument is asked of the store; of several, the rows are picked here.
    filters = [Filter(column="instrument", value=instruments[0])] if len(instruments) == 1 else []
    until, after = history.last_event_seq(session_id), 0
    while page := history.events(table, session_id, after=after, until=until, limit=_PAGE, filters=filters):
        for fact in page:
            if len(instruments) < 2 or fact.instrument in instruments:
                cells = zip(encode(session_id, fact), booleans, strict=True)
                yield tuple(bool(cell) if is_boolean else cell for cell, is_boolean in cells)
        after = page[-1].seq
