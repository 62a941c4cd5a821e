"""Writes rows to a CSV or Parquet file that is there whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import msgspec
import polars as pl

from papertape.errors import Conflict, Invalid, NotFound, Unavailable
from papertape.store.folder import sync_folder
from papertape.store.schema import Logical

Format = Literal["csv", "parquet"]
FORMATS: tuple[Format, ...] = ("csv", "parquet")
CHUNK_ROWS = 100_000

Cells = tuple[Any, ...]
"""One row in column order. Real columns take float or Decimal, decimal columns Decimal or their exact text."""

_TYPES: dict[Logical, pl.DataType] = {
    "integer": pl.Int64(),
    "real": pl.Float64(),
    "boolean": pl.Boolean(),
    "text": pl.String(),
    "decimal": pl.String(),
    "json": pl.String(),
}


class Heading(msgspec.Struct, frozen=True):
    """One column of a sheet."""

    name: str
    logical: Logical


class Sheet(msgspec.Struct, frozen=True):
    """The columns of a file, in order. After `ts` (microseconds UTC) a file also shows the same as a date, `time`."""

    headings: tuple[Heading, ...]

    def frame(self, rows: Sequence[Cells], kind: Format) -> pl.DataFrame:
        """Return rows as they stand in a file.

        CSV: exact decimal texts, `time` in ISO 8601. Parquet: float64, the exact text of a decimal column beside it as
        `<name>_exact`, `time` as a timestamp with time zone.
        """
        by_column = list(zip(*rows, strict=True)) if rows else [() for _ in self.headings]
        series: list[pl.Series] = []
        for heading, values in zip(self.headings, by_column, strict=True):
            series += _series(heading, values, kind)
        return pl.DataFrame(series)


def _series(heading: Heading, values: Sequence[Any], kind: Format) -> list[pl.Series]:
    name, logical = heading.name, heading.logical
    if name == "ts":
        moments = pl.Series("time", values, dtype=pl.Int64).cast(pl.Datetime("us", "UTC"))
        shown = moments if kind == "parquet" else moments.dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
        return [pl.Series(name, values, dtype=pl.Int64), shown]
    if logical == "decimal":
        exact = [None if value is None else _plain(value) for value in values]
        if kind == "csv":
            return [pl.Series(name, exact, dtype=pl.String)]
        floats = [None if text is None else float(text) for text in exact]
        return [pl.Series(name, floats, dtype=pl.Float64), pl.Series(f"{name}_exact", exact, dtype=pl.String)]
    if logical == "real" and any(isinstance(value, Decimal) for value in values):
        if kind == "csv":
            return [pl.Series(name, [_plain(value) for value in values], dtype=pl.String)]
        return [pl.Series(name, [float(value) for value in values], dtype=pl.Float64)]
    return [pl.Series(name, values, dtype=_TYPES[logical])]


def _plain(value: Decimal | str) -> str:
    return format(Decimal(value), "f")


def format_of(path: Path, given: str | None) -> Format:
    """Return the format of a file: the one given, or by its ending.

    Raises:
        Invalid: neither says csv or parquet.
    """
    wanted = (given or path.suffix.removeprefix(".")).lower()
    for known in FORMATS:
        if wanted == known:
            return known
    raise Invalid(
        f"{path} ends in neither .csv nor .parquet; name the file so, or give --format csv or --format parquet."
        if given is None
        else f"There is no format {given!r}; choose csv or parquet.",
        code="export.format",
        path="format",
    )


@contextmanager
def new_file(path: Path, *, is_forced: bool) -> Iterator[Path]:
    """Give a draft beside `path` that takes its place when the block ends well, and is removed when it does not.

    Raises:
        Conflict: there is such a file, and `is_forced` is not set.
        NotFound: its folder does not exist.
        Unavailable: it cannot be written.
    """
    _check_free(path, is_forced)
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        try:
            yield draft
            with draft.open("rb") as written:
                os.fsync(written.fileno())
            draft.replace(path)
            sync_folder(path.parent)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise Unavailable(
            f"{path} cannot be written ({error.strerror or error}); nothing was left there. Make room, or give a "
            "file in a folder that can be written.",
            code="export.not_writable",
        ) from error


def _check_free(path: Path, is_forced: bool) -> None:
    if not path.parent.is_dir():
        raise NotFound(f"There is no folder {path.parent}; make it first, or give another file.", code="export.folder")
    if path.is_dir():
        raise Invalid(f"{path} is a folder; give the name of a file in it.", code="export.is_folder")
    if path.exists() and not is_forced:
        raise Conflict(
            f"{path} exists already and was not touched; give another name, or --force to replace it.",
            code="export.exists",
        )


def write_sheet(
    path: Path,
    sheet: Sheet,
    rows: Iterable[Cells],
    *,
    kind: Format,
    is_forced: bool = False,
    metadata: Mapping[str, str] | None = None,
    on_rows: Callable[[int], None] = lambda _: None,
) -> int:
    """Write all rows to a new file, never more than `CHUNK_ROWS` of them in memory, and return how many.

    Args:
        path: the file to make.
        sheet: its columns.
        rows: in column order.
        kind: the file's format.
        is_forced: whether a file of this name is replaced.
        metadata: texts that a Parquet file carries.
        on_rows: told the number of rows so far.

    Raises:
        Conflict: the file exists and `is_forced` is not set.
        NotFound: its folder does not exist.
        Unavailable: it cannot be written.
    """
    with new_file(path, is_forced=is_forced) as draft:
        if kind == "csv":
            return _write_csv(draft, sheet, rows, on_rows)
        return _write_parquet(draft, sheet, rows, on_rows, dict(metadata or {}))


def _chunks(rows: Iterable[Cells]) -> Iterator[list[Cells]]:
    source = iter(rows)
    while chunk := list(islice(source, CHUNK_ROWS)):
        yield chunk


def _write_csv(draft: Path, sheet: Sheet, rows: Iterable[Cells], on_rows: Callable[[int], None]) -> int:
    count = 0
    with draft.open("wb") as file:
        sheet.frame((), "csv").write_csv(file)
        for chunk in _chunks(rows):
            sheet.frame(chunk, "csv").write_csv(file, include_header=False)
            count += len(chunk)
            on_rows(count)
    return count


def _write_parquet(
    draft: Path, sheet: Sheet, rows: Iterable[Cells], on_rows: Callable[[int], None], metadata: dict[str, str]
) -> int:
    # One file a chunk, then one file of them all: polars appends to no Parquet file.
    parts = draft.with_name(f"{draft.name}.parts")
    parts.mkdir()
    try:
        count = 0
        sheet.frame((), "parquet").write_parquet(parts / "000000.parquet")
        for number, chunk in enumerate(_chunks(rows), 1):
            sheet.frame(chunk, "parquet").write_parquet(parts / f"{number:06d}.parquet", compression_level=1)
            count += len(chunk)
            on_rows(count)
        pl.scan_parquet(sorted(parts.glob("*.parquet"))).sink_parquet(draft, metadata=metadata)
        return count
    finally:
        shutil.rmtree(parts, ignore_errors=True)
