"""Files of market data from elsewhere as tables: whole as texts, or in portions that keep numbers as they are stored.

Lines count from 1, the header included; in a Parquet file they are rows.
"""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import polars as pl

from papertape.errors import Invalid, NotFound
from papertape.model.market_file import MarketKind
from papertape.store.foreign_columns import headerless_names

LINE = "__line"
"""The column with a row's line."""

NUMBER = r"^\d+(\.\d*)?$"
NOTHING_IMPORTED = "Nothing was imported."

_ROWS_AT_ONCE = 1_000_000
_BYTES_AT_ONCE = 64_000_000
_NUMBERS = (pl.Float64, pl.Int64, pl.Int32, pl.Int16, pl.Int8, pl.UInt64, pl.UInt32, pl.UInt16, pl.UInt8)


def read_table(path: Path, kind: MarketKind) -> pl.DataFrame:
    """Return a whole file with every value as text.

    Raises:
        NotFound: there is no such file.
        Invalid: it cannot be read.
    """
    with _reading(path, kind, NOTHING_IMPORTED):
        if path.suffix == ".parquet":
            return (
                _without_moments(pl.read_parquet(path)).with_columns(pl.all().cast(pl.String)).with_row_index(LINE, 1)
            )
        names, has_header = csv_names(path, kind)
        table = pl.read_csv(
            path, has_header=has_header, new_columns=None if has_header else names, infer_schema=False,
            raise_if_empty=False,
        )  # fmt: skip
        return table.with_row_index(LINE, 2 if has_header else 1)


def read_portions(path: Path, kind: MarketKind, consequence: str) -> Iterator[pl.DataFrame]:
    """Yield a file in portions of about a million rows; float64 and integers of a Parquet file stay numbers.

    Raises:
        NotFound: there is no such file.
        Invalid: it cannot be read; the sentence ends with `consequence`.
    """
    portions = _parquet_portions(path) if path.suffix == ".parquet" else _csv_portions(path, kind)
    while True:
        with _reading(path, kind, consequence):
            portion = next(portions, None)
        if portion is None:
            return
        yield portion


def column_names(path: Path, kind: MarketKind, consequence: str) -> list[str]:
    """Return the names of a file's columns; raises as `read_portions` does."""
    with _reading(path, kind, consequence):
        if path.suffix == ".parquet":
            return pl.scan_parquet(path).collect_schema().names()
        return csv_names(path, kind)[0]


def csv_names(path: Path, kind: MarketKind) -> tuple[list[str], bool]:
    """Return the names of a CSV file's columns, and whether they stand in its first line."""
    with _open_bytes(path) as file:
        first = _first_values(file.readline())
    if _is_header(first):
        return _without_twins(first), True
    return headerless_names(kind, first), False


@contextmanager
def _reading(path: Path, kind: MarketKind, consequence: str) -> Iterator[None]:
    if not path.is_file():
        raise NotFound(f"There is no file {path}; give a CSV or Parquet file of {kind}.", code="import.missing")
    try:
        yield
    except (pl.exceptions.PolarsError, OSError, EOFError, UnicodeError, csv.Error) as error:
        raise Invalid(
            f"{path} cannot be read as {'Parquet' if path.suffix == '.parquet' else 'CSV'} "
            f"({str(error).splitlines()[0]}); give a file that is whole. {consequence}",
            code="import.unreadable",
        ) from error


def _parquet_portions(path: Path) -> Iterator[pl.DataFrame]:
    scan = pl.scan_parquet(path)
    total = int(scan.select(pl.len()).collect().item())
    for begin in range(0, total, _ROWS_AT_ONCE):
        table = _without_moments(scan.slice(begin, _ROWS_AT_ONCE).collect())
        others = [name for name, kind_of in table.schema.items() if kind_of not in _NUMBERS]
        yield table.with_columns(pl.col(others).cast(pl.String)).with_row_index(LINE, begin + 1)


def _csv_portions(path: Path, kind: MarketKind) -> Iterator[pl.DataFrame]:
    names, has_header = csv_names(path, kind)
    line = 1
    rest = b""
    with _open_bytes(path) as file:
        if has_header:
            file.readline()
            line = 2
        while block := file.read(_BYTES_AT_ONCE):
            end = block.rfind(b"\n") + 1
            rows, rest = (rest + block[:end], block[end:]) if end else (b"", rest + block)
            if rows:
                table = _parse_rows(rows, names)
                yield table.with_row_index(LINE, line)
                line += table.height
    if rest:
        yield _parse_rows(rest, names).with_row_index(LINE, line)


def _parse_rows(rows: bytes, names: Sequence[str]) -> pl.DataFrame:
    return pl.read_csv(rows, has_header=False, new_columns=names, infer_schema=False, raise_if_empty=False)


def _without_moments(table: pl.DataFrame) -> pl.DataFrame:
    moments = [name for name, kind_of in table.schema.items() if isinstance(kind_of, pl.Datetime)]
    return table.with_columns(pl.col(moments).dt.epoch("us"))


def _first_values(line: bytes) -> list[str]:
    return next(csv.reader([line.decode("utf-8-sig")]), [])


def _is_header(first: Sequence[str]) -> bool:
    return not any(re.match(NUMBER, value.strip()) for value in first)


def _without_twins(names: Sequence[str]) -> list[str]:
    return [name if name not in names[:at] else f"{name}_duplicated_{at}" for at, name in enumerate(names)]


def _open_bytes(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")
