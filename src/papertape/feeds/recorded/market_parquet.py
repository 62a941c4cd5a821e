"""Recordings in papertape's own Parquet form: what `papertape export` and `papertape import` write.

Each file holds trades, quotes or bars and says in its head which instruments they are of. Rows are played by exchange
time, and those of one session in the order in which they were journalled. Bars only warm indicators: orders fill on
trades and quotes, so bars alone are no recording.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from papertape.errors import Invalid
from papertape.feeds.recorded.recording import Moment, Tally
from papertape.model.entries import MarketEvent, Quote, Trade, VenueBar
from papertape.model.instrument import Instrument, InstrumentId
from papertape.model.market_file import MARKET_FILE_KEY, MarketFile, MarketKind

_ROWS_AT_ONCE = 20_000
_SECOND = 1_000_000
_Row = tuple[Any, ...]
_Placed = tuple[int, int, MarketEvent]
"""An event with its exchange time and its place among the rows of that time."""

_COLUMNS: dict[MarketKind, tuple[str, ...]] = {
    "trades": ("instrument", "price", "size", "side", "trade_id"),
    "quotes": ("instrument", "bid", "bid_size", "ask", "ask_size"),
    "bars": ("instrument", "interval_s", "open", "high", "low", "close", "volume"),
}


def has_head(file: Path) -> bool:
    """Return whether a Parquet file is in papertape's own form; raises `Invalid` when it cannot be read."""
    return _metadata(file) is not None


def known_instrument(file: Path, instrument: InstrumentId) -> Instrument | None:
    """Return an instrument with its trading rules as an export of ours brings it, None where the file does not."""
    if file.suffix != ".parquet" or not has_head(file):
        return None
    return next((item for item in _head(file).instruments if item.id == instrument), None)


class MarketRecording:
    """Trades, quotes and bars from files of papertape's own form, merged by exchange time.

    Raises:
        Invalid: a file is of another form or cannot be read, or there are bars only.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        foreign = [file for file in files if not has_head(file)]
        if foreign:
            raise Invalid(
                f"{foreign[0]} lies among files of papertape's own form and is none; take it in with `papertape "
                "import`, or put it into a folder of its own.",
                code="recording.mixed",
            )
        self._files = [(file, _head(file)) for file in files]
        if all(head.kind == "bars" for _, head in self._files):
            raise Invalid(
                f"{files[0].parent} holds bars only; orders fill on trades or quotes, and bars only warm indicators. "
                "Put trades or quotes beside them.",
                code="recording.bars_only",
            )

    def instruments(self) -> list[Instrument]:
        """Return the instruments, by id; where files differ, with the most decimals."""
        known: dict[InstrumentId, Instrument] = {}
        for instrument in (item for _, head in self._files for item in head.instruments):
            before = known.get(instrument.id)
            known[instrument.id] = instrument if before is None else _finer(before, instrument)
        return sorted(known.values(), key=lambda instrument: instrument.id)

    def play(self, instruments: Sequence[Instrument], tally: Tally) -> Iterator[Moment]:
        """Yield one moment a row, by exchange time."""
        wanted = {instrument.id: instrument for instrument in instruments}
        streams = [_events(file, head, wanted) for file, head in self._files]
        for ts, _, event in heapq.merge(*streams, key=itemgetter(0, 1)):
            tally.frames += 1
            yield Moment(ts, [event])


def _finer(one: Instrument, other: Instrument) -> Instrument:
    return msgspec.structs.replace(
        one,
        price_decimals=max(one.price_decimals, other.price_decimals),
        size_decimals=max(one.size_decimals, other.size_decimals),
        price_increment=min(one.price_increment, other.price_increment),
        size_increment=min(one.size_increment, other.size_increment),
        min_quantity=min(one.min_quantity, other.min_quantity),
    )


def _metadata(file: Path) -> str | None:
    try:
        return pl.read_parquet_metadata(file).get(MARKET_FILE_KEY)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise Invalid(
            f"{file} cannot be read as Parquet ({str(error).splitlines()[0]}); give a file that is whole.",
            code="recording.unreadable",
        ) from error


def _head(file: Path) -> MarketFile:
    text = _metadata(file) or ""
    try:
        head = msgspec.json.decode(text, type=MarketFile)
    except msgspec.DecodeError as error:
        raise Invalid(
            f"The head of {file} cannot be read ({error}); it may be of another version of papertape. Export or "
            "import it again.",
            code="recording.head",
        ) from error
    missing = {"ts", *_COLUMNS[head.kind]} - set(pl.scan_parquet(file).collect_schema().names())
    if missing:
        raise Invalid(
            f"{file} says it holds {head.kind} and has no column {', '.join(sorted(missing))}; export or import it "
            "again.",
            code="recording.columns",
        )
    return head


def _events(file: Path, head: MarketFile, wanted: dict[InstrumentId, Instrument]) -> Iterator[_Placed]:
    frame = pl.scan_parquet(file)
    names = frame.collect_schema().names()
    place = pl.col("seq") if "seq" in names else pl.lit(0)
    end = pl.col("ts") + pl.col("interval_s") * _SECOND if head.kind == "bars" else pl.col("ts")
    columns = (pl.col(name) for name in _COLUMNS[head.kind])
    table = frame.filter(pl.col("instrument").is_in(list(wanted))).select(
        end.alias("at"), place.alias("place"), *columns
    )
    make = _MAKERS[head.kind]
    for chunk in table.sort("at", "place", maintain_order=True).collect().iter_slices(_ROWS_AT_ONCE):
        for at, number, instrument, *values in chunk.iter_rows():
            yield at, number, make(at, wanted[instrument], tuple(values))


def _trade(ts: int, instrument: Instrument, row: _Row) -> MarketEvent:
    price, size, side, trade_id = row
    return Trade(
        ts=ts, recv_ts=ts, instrument=instrument.id, price=_price(instrument, price), size=_size(instrument, size),
        side=side, trade_id=trade_id,
    )  # fmt: skip


def _quote(ts: int, instrument: Instrument, row: _Row) -> MarketEvent:
    bid, bid_size, ask, ask_size = row
    return Quote(
        ts=ts, recv_ts=ts, instrument=instrument.id, bid=_price(instrument, bid), bid_size=_size(instrument, bid_size),
        ask=_price(instrument, ask), ask_size=_size(instrument, ask_size),
    )  # fmt: skip


def _bar(ts: int, instrument: Instrument, row: _Row) -> MarketEvent:
    interval_s, *prices, volume = row
    opened, high, low, close = (_price(instrument, price) for price in prices)
    return VenueBar(
        ts=ts, recv_ts=ts, instrument=instrument.id, open_ts=ts - interval_s * _SECOND, interval_s=interval_s,
        open=opened, high=high, low=low, close=close, volume=_size(instrument, volume),
    )  # fmt: skip


def _price(instrument: Instrument, value: float) -> int:
    units: float = value * 10**instrument.price_decimals
    return round(units)


def _size(instrument: Instrument, value: float) -> int:
    units: float = value * 10**instrument.size_decimals
    return round(units)


_MAKERS: dict[MarketKind, Callable[[int, Instrument, _Row], MarketEvent]] = {
    "trades": _trade,
    "quotes": _quote,
    "bars": _bar,
}
