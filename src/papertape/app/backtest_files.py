"""Opens the market data that a backtest over files runs on: read and checked once, mapped into memory from then on."""

from __future__ import annotations

import glob
from collections.abc import Callable
from pathlib import Path

import msgspec

from papertape.errors import Invalid, NotFound
from papertape.model.backtest import Grade
from papertape.model.columns import MarketColumns
from papertape.model.instrument import InstrumentId, check_instrument_id
from papertape.model.market_file import MarketKind
from papertape.store.market_columns_cache import FOLDER, ColumnsHead, KeptColumns, key_of

SUFFIXES = (".parquet", ".csv", ".csv.gz")


class FilesAsked(msgspec.Struct, frozen=True, kw_only=True):
    """What a backtest is told to read. A path is a file, a folder of files, or a pattern.

    `symbols` are `ID` or `ID=FILE`; without any, the files must be papertape's own and say it themselves.
    """

    trades: tuple[str, ...] = ()
    quotes: tuple[str, ...] = ()
    bars: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    columns: dict[str, str] = {}
    unit: str | None = None
    interval_s: int | None = None


class OneFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file found. Without `kind` its columns say what it holds, without `instrument` its rows or the only symbol."""

    path: str
    kind: MarketKind | None
    instrument: InstrumentId | None


class OpenMarket(msgspec.Struct, frozen=True, kw_only=True):
    """Market data ready to run on. `place` is where it is kept, None when only in memory."""

    market: MarketColumns
    files: tuple[str, ...]
    notes: tuple[str, ...]
    grade: Grade
    place: Path | None
    is_cached: bool


class _Asked(msgspec.Struct, frozen=True, kw_only=True):
    # What an answer depends on: files by their contents, never by their names.
    files: tuple[tuple[MarketKind | None, InstrumentId | None, str], ...]
    symbols: tuple[InstrumentId, ...]
    columns: dict[str, str]
    unit: str | None
    interval_s: int | None


def open_market(
    asked: FilesAsked, data_dir: Path, *, is_caching: bool = True, on_rows: Callable[[int], None] = lambda _: None
) -> OpenMarket:
    """Return the market data of files, from the data folder where it was read before.

    Raises:
        NotFound: a file is not there.
        Invalid: a file cannot be read or holds a wrong value, or it is not certain whose rows they are.
    """
    files, symbols = find_files(asked)
    names = tuple(file.path for file in files)
    kept = KeptColumns(data_dir)
    key = ""
    if is_caching:
        hashed = tuple((file.kind, file.instrument, _hash(kept, file.path)) for file in files)
        key = key_of(
            _Asked(files=hashed, symbols=symbols, columns=asked.columns, unit=asked.unit, interval_s=asked.interval_s)
        )
        found = kept.find(key)
        if found is not None:
            return _from_kept(found, names, data_dir / FOLDER / key, is_cached=True)
    from papertape.app.backtest_reading import read_market  # only a first run waits for Polars

    read = read_market(files, symbols, asked, on_rows)
    place = kept.keep(key, read.market, read.notes, read.grade) if is_caching else None
    mapped = kept.find(key) if place is not None else None
    if mapped is not None and place is not None:
        return _from_kept(mapped, names, place, is_cached=False)
    notes = read.notes
    if is_caching:
        notes += (f"The columns could not be kept in {data_dir}: the next run reads the files again.",)
    return OpenMarket(market=read.market, files=names, notes=notes, grade=read.grade, place=None, is_cached=False)


def _from_kept(
    found: tuple[MarketColumns, ColumnsHead], files: tuple[str, ...], place: Path, *, is_cached: bool
) -> OpenMarket:
    market, head = found
    return OpenMarket(market=market, files=files, notes=head.notes, grade=head.grade, place=place, is_cached=is_cached)


def find_files(asked: FilesAsked) -> tuple[tuple[OneFile, ...], tuple[InstrumentId, ...]]:
    """Return the files in the order in which they were given, and the symbols; raises `Invalid`, `NotFound`."""
    bound: dict[str, InstrumentId] = {}
    symbols: list[InstrumentId] = []
    for text in asked.symbols:
        name, _, file = text.partition("=")
        instrument = check_instrument_id(name.strip())
        if instrument not in symbols:
            symbols.append(instrument)
        for path in _expand(file, "symbol") if file else ():
            bound[path] = instrument
    kinds: dict[MarketKind, tuple[str, ...]] = {"trades": asked.trades, "quotes": asked.quotes, "bars": asked.bars}
    files: list[OneFile] = []
    for kind, patterns in kinds.items():
        for path in (path for pattern in patterns for path in _expand(pattern, kind)):
            if any(file.path == path and file.kind == kind for file in files):
                raise Invalid(f"{path} is given twice; give each file once.", code="columns.twice", path=kind)
            files.append(OneFile(path=path, kind=kind, instrument=bound.get(path)))
    named = {file.path for file in files}
    files += [OneFile(path=path, kind=None, instrument=whose) for path, whose in bound.items() if path not in named]
    return tuple(files), tuple(symbols)


def _expand(pattern: str, option: str) -> tuple[str, ...]:
    path = Path(pattern).expanduser()
    if path.is_file():
        return (str(path),)
    if path.is_dir():
        found = sorted(str(each) for each in path.iterdir() if each.name.endswith(SUFFIXES))
    else:
        found = sorted(each for each in glob.glob(str(path)) if Path(each).is_file())
    if not found:
        raise NotFound(
            f"There is no file {pattern}; give a CSV or Parquet file, a folder of them, or a pattern in quotes.",
            code="columns.no_file",
            path=option,
        )
    return tuple(found)


def _hash(kept: KeptColumns, path: str) -> str:
    try:
        return kept.file_sha256(Path(path))
    except OSError as error:
        raise Invalid(
            f"{path} cannot be read ({error.strerror}); give a file that can.", code="columns.unreadable"
        ) from error
