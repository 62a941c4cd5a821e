"""Reads files of market data that no run has read before: whose rows they are, under which trading rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast, get_args

import msgspec
import polars as pl

from papertape.app.backtest_files import FilesAsked, OneFile
from papertape.errors import Invalid
from papertape.feeds.binance.frames import Market
from papertape.feeds.recorded.discover import Precision, make_instrument
from papertape.feeds.recorded.market_parquet import has_head
from papertape.model.instrument import Instrument, InstrumentId
from papertape.model.market_file import MARKET_FILE_KEY, MarketFile, MarketKind
from papertape.store.foreign_columns import OURS, find_columns
from papertape.store.foreign_rows import Unit, owner_of
from papertape.store.foreign_tables import column_names
from papertape.store.market_columns import NOTHING_RAN, ColumnFile, ColumnRequest, ReadColumns, read_columns

_KINDS: tuple[MarketKind, ...] = ("bars", "quotes", "trades")


def read_market(
    files: Sequence[OneFile], symbols: Sequence[InstrumentId], asked: FilesAsked, on_rows: Callable[[int], None]
) -> ReadColumns:
    """Read files into columns; raises `Invalid`, `NotFound`."""
    known = _known_instruments(files)
    instruments = tuple(symbols) or tuple(sorted(known))
    if not instruments:
        raise Invalid(
            "The files do not say whose trades they are; give --symbol BTCUSDT-PERP.BINANCE, or BTCUSDT.BINANCE for "
            f"spot. {NOTHING_RAN}",
            code="columns.no_symbol",
            path="symbol",
        )
    certain = [
        ColumnFile(path=file.path, kind=file.kind or _kind_of(Path(file.path), asked), instrument=file.instrument)
        for file in files
    ]
    request = ColumnRequest(
        files=tuple(_file(file, certain, instruments) for file in certain),
        instruments=instruments,
        known=tuple(known[name] for name in instruments if name in known),
        columns=asked.columns,
        unit=_unit(asked.unit),
        interval_s=asked.interval_s,
    )
    return read_columns(request, _make, on_rows)


def _file(file: ColumnFile, files: Sequence[ColumnFile], instruments: Sequence[InstrumentId]) -> ColumnFile:
    names = column_names(Path(file.path), file.kind, NOTHING_RAN)
    if file.instrument is not None or owner_of(names) is not None:
        return file
    taken = {each.instrument for each in files if each.kind == file.kind}
    free = [name for name in instruments if name not in taken]
    if len(free) != 1:
        raise Invalid(
            f"{file.path} has no column instrument or symbol, and could be of {', '.join(free or instruments)}; say "
            f"whose it is with --symbol {(free or instruments)[0]}={file.path}. {NOTHING_RAN}",
            code="columns.whose",
            path="symbol",
        )
    return msgspec.structs.replace(file, instrument=free[0])


def _kind_of(path: Path, asked: FilesAsked) -> MarketKind:
    names = column_names(path, "trades", NOTHING_RAN)
    for kind in _KINDS:
        try:
            find_columns(kind, names, {ours: theirs for ours, theirs in asked.columns.items() if ours in OURS[kind]})
        except Invalid:
            continue
        return kind
    raise Invalid(
        f"{path} has the columns {', '.join(names)}, which are not those of trades, quotes or bars; say what it holds "
        f"with --trades, --quotes or --bars, and --column OURS=THEIRS for a name that is not known. {NOTHING_RAN}",
        code="columns.kind",
        path="symbol",
    )


def _known_instruments(files: Sequence[OneFile]) -> dict[InstrumentId, Instrument]:
    known: dict[InstrumentId, Instrument] = {}
    for file in files:
        for instrument in _head_instruments(Path(file.path)):
            before = known.get(instrument.id)
            if before is None or _digits(instrument) > _digits(before):
                known[instrument.id] = instrument
    return known


def _digits(instrument: Instrument) -> int:
    return instrument.price_decimals + instrument.size_decimals


def _head_instruments(path: Path) -> tuple[Instrument, ...]:
    if path.suffix != ".parquet" or not has_head(path):
        return ()
    try:
        return msgspec.json.decode(pl.read_parquet_metadata(path)[MARKET_FILE_KEY], type=MarketFile).instruments
    except msgspec.DecodeError as error:
        raise Invalid(
            f"The head of {path} cannot be read ({error}); export or import it again. {NOTHING_RAN}",
            code="recording.head",
        ) from error


def _make(name: InstrumentId, price_decimals: int, size_decimals: int) -> Instrument:
    precision = Precision()
    precision.price, precision.size = price_decimals, size_decimals
    symbol, _, venue = name.partition(".")
    market: Market = "usdm" if symbol.endswith("-PERP") else "spot"
    return make_instrument(market, symbol.removesuffix("-PERP"), precision, venue)


def _unit(text: str | None) -> Unit | None:
    if text is not None and text not in get_args(Unit):
        raise Invalid(
            f"There is no unit {text!r}; choose one of {', '.join(get_args(Unit))}.", code="import.unit", path="unit"
        )
    return cast("Unit | None", text)
