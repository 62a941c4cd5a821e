"""Reads trades, quotes and bars of several instruments from CSV and Parquet files into columns of integers.

Rows of one file that are out of time are put in order, those of equal time as they stood, and a note says so. Files of
one kind and instrument may meet but not overlap. Rows of equal time from several files are met in the order in which
the files were given.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

import msgspec
import polars as pl

from papertape.errors import Invalid
from papertape.model.backtest import Grade
from papertape.model.buffers import Ints
from papertape.model.columns import BarColumns, MarketColumns, QuoteColumns, TradeColumns
from papertape.model.instrument import Instrument, InstrumentId
from papertape.model.market_file import MarketKind
from papertape.store.foreign_rows import Unit
from papertape.store.foreign_tables import LINE
from papertape.store.market_pieces import Piece, Precisions, read_pieces
from papertape.store.market_scaling import LARGEST, MOST_DECIMALS

NOTHING_RAN = "Nothing was run."

_SECOND = 1_000_000
_LANE = "lane"
_VALUES: Mapping[MarketKind, tuple[str, ...]] = {
    "trades": ("ts", _LANE, "price", "lots"),
    "quotes": ("ts", _LANE, "bid", "bid_size", "ask", "ask_size"),
    "bars": ("ts", _LANE, "open_ts", "interval_us", "open", "high", "low", "close", "volume"),
}
_PRICES = frozenset({"price", "bid", "ask", "open", "high", "low", "close"})
_SIZES = frozenset({"lots", "bid_size", "ask_size", "volume"})


class ColumnFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file; without `instrument` its own column says whose each row is."""

    path: str
    kind: MarketKind
    instrument: InstrumentId | None = None


class ColumnRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is read: `instruments` in the order of their lanes; `known` are those whose trading rules are known.

    `columns` and `unit` as in an import; `interval_s` is that of bars, as seen in the file when None.
    """

    files: tuple[ColumnFile, ...]
    instruments: tuple[InstrumentId, ...]
    known: tuple[Instrument, ...] = ()
    columns: dict[str, str] = {}
    unit: Unit | None = None
    interval_s: int | None = None


class ReadColumns(msgspec.Struct, frozen=True):
    """The columns, and sentences about what was done to make them."""

    market: MarketColumns
    notes: tuple[str, ...]
    grade: Grade


def read_columns(
    request: ColumnRequest,
    make: Callable[[InstrumentId, int, int], Instrument],
    on_rows: Callable[[int], None] = lambda _: None,
) -> ReadColumns:
    """Read all files into memory.

    Args:
        request: what to read.
        make: makes an instrument of its id and the decimals of its prices and sizes.
        on_rows: is told the number of rows read so far.

    Raises:
        NotFound: a file is not there.
        Invalid: a file cannot be read or holds a wrong value, an instrument has no row, or files overlap.
    """
    precisions = Precisions({each.id: each for each in request.known})
    notes: list[str] = []
    pieces: dict[MarketKind, list[Piece]] = {"trades": [], "quotes": [], "bars": []}
    for file in request.files:
        pieces[file.kind] += read_pieces(file.path, file.kind, _owners(file, request), request, precisions, on_rows)
    every = [piece for kind in pieces.values() for piece in kind]
    _check_each_has_rows(request, every)
    for kind in pieces.values():
        _check_ranges(kind)
    notes += [note for piece in every for note in piece.notes]
    instruments = tuple(_instrument(name, precisions, make) for name in request.instruments)
    lanes = {instrument.id: lane for lane, instrument in enumerate(instruments)}
    frames = {kind: _joined(kind, found, instruments, lanes, precisions) for kind, found in pieces.items()}
    market = MarketColumns(
        instruments,
        TradeColumns(*_columns(frames["trades"], "trades")),
        QuoteColumns(*_columns(frames["quotes"], "quotes")),
        BarColumns(*_columns(frames["bars"], "bars")),
    )
    return ReadColumns(market, tuple(notes), _grade(pieces, request.instruments))


def _grade(pieces: Mapping[MarketKind, Sequence[Piece]], instruments: Sequence[InstrumentId]) -> Grade:
    quoted = {piece.instrument for piece in pieces["quotes"]}
    traded = {piece.instrument for piece in pieces["trades"]}
    if quoted.issuperset(instruments):
        return "quotes"
    return "trades" if (quoted | traded).issuperset(instruments) else "bars"


def _owners(file: ColumnFile, request: ColumnRequest) -> tuple[InstrumentId, ...]:
    return (file.instrument,) if file.instrument is not None else request.instruments


def _instrument(
    name: InstrumentId, precisions: Precisions, make: Callable[[InstrumentId, int, int], Instrument]
) -> Instrument:
    known = precisions.known.get(name)
    if known is not None:
        return known
    needed = precisions.of(name)
    return make(name, needed.price, needed.size)


def _check_each_has_rows(request: ColumnRequest, pieces: Sequence[Piece]) -> None:
    with_rows = {piece.instrument for piece in pieces}
    for name in request.instruments:
        if name not in with_rows:
            files = ", ".join(Path(file.path).name for file in request.files if file.instrument in (None, name))
            raise Invalid(
                f"No row of {name} is in {files or 'the files'}; expected at least one. Leave the symbol out, or say "
                f"which file is its own with --symbol {name}=FILE. {NOTHING_RAN}",
                code="columns.no_rows",
                path="symbol",
            )


def _check_ranges(pieces: Sequence[Piece]) -> None:
    newest: dict[InstrumentId, Piece] = {}
    for piece in sorted(pieces, key=lambda each: each.first_ts):
        before = newest.get(piece.instrument)
        if before is not None and piece.first_ts < before.last_ts:
            raise Invalid(
                f"{piece.path} and {before.path} both hold {piece.kind} of {piece.instrument} at the same times; each "
                f"time was expected in one file. Leave one of them out. {NOTHING_RAN}",
                code="columns.overlap",
                path=piece.kind,
            )
        newest[piece.instrument] = piece


def _joined(
    kind: MarketKind,
    pieces: Sequence[Piece],
    instruments: Sequence[Instrument],
    lanes: Mapping[InstrumentId, int],
    precisions: Precisions,
) -> pl.DataFrame:
    frames: list[pl.DataFrame] = []
    by_file: dict[int, list[pl.DataFrame]] = {}
    for piece in pieces:
        lane = lanes[piece.instrument]
        frame = _in_units(piece, instruments[lane], precisions).with_columns(pl.lit(lane, pl.Int64).alias(_LANE))
        by_file.setdefault(piece.file, []).append(frame)
    for parts in by_file.values():
        whole = parts[0] if len(parts) == 1 else pl.concat(parts).sort(LINE)
        frames.append(whole.select(*_VALUES[kind]))
    if not frames:
        return pl.DataFrame(schema=dict.fromkeys(_VALUES[kind], pl.Int64))
    joined = pl.concat(frames)
    return joined if joined["ts"].is_sorted() else joined.sort("ts", maintain_order=True)


def _in_units(piece: Piece, instrument: Instrument, precisions: Precisions) -> pl.DataFrame:
    parts = []
    for frame, decimals in piece.frames:
        price = 10 ** (instrument.price_decimals - decimals.price)
        size = 10 ** (instrument.size_decimals - decimals.size)
        factors = {**dict.fromkeys(_PRICES, price), **dict.fromkeys(_SIZES, size)}
        scaled = [pl.col(name) * factors[name] for name in frame.columns if factors.get(name, 1) != 1]
        parts.append(frame.with_columns(scaled))
    _check_largest(piece, instrument, precisions)
    whole = pl.concat(parts)
    if piece.kind == "bars":
        whole = whole.with_columns((pl.col("open_ts") + pl.col("interval_us")).alias("ts"))
    return whole if whole["ts"].is_sorted() else whole.sort("ts", maintain_order=True)


def _check_largest(piece: Piece, instrument: Instrument, precisions: Precisions) -> None:
    needed = precisions.of(piece.instrument)
    for what, largest, decimals in (
        ("price", needed.largest_price, instrument.price_decimals),
        ("size", needed.largest_size, instrument.size_decimals),
    ):
        if decimals > MOST_DECIMALS or largest * 10.0**decimals >= LARGEST:
            raise Invalid(
                f"The {what} {largest:g} of {instrument.id} with {decimals} decimals is too large to be kept exactly; "
                f"numbers of up to 15 digits were expected. Round the numbers of {piece.path}. {NOTHING_RAN}",
                code="columns.too_large",
                path=what,
            )


def _columns(frame: pl.DataFrame, kind: MarketKind) -> tuple[Ints, ...]:
    return tuple(_column(frame[name]) for name in _VALUES[kind])


def _column(values: pl.Series) -> Ints:
    column = array("q")
    if len(values):
        column.frombytes(memoryview(cast("bytes", values.rechunk().to_numpy())).cast("B"))
    return column
