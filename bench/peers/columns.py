"""Trades as columns: one buffer of 64-bit integers each, kept as raw little-endian files in a folder."""

from __future__ import annotations

import sys
from array import array
from dataclasses import dataclass
from pathlib import Path

NAMES = ("ts", "price", "size", "side", "symbol")
_SUFFIX = ".i64"


@dataclass(frozen=True)
class Columns:
    """Trades in the order of their time.

    `ts` in microseconds UTC, strictly increasing; `price` in hundredths; `size` in thousandths; `side` 1 where the
    aggressor bought and -1 where it sold; `symbol` from 0.
    """

    ts: array[int]
    price: array[int]
    size: array[int]
    side: array[int]
    symbol: array[int]

    def __len__(self) -> int:
        return len(self.ts)

    def first(self, count: int) -> Columns:
        """Return the first `count` trades."""
        return Columns(*(getattr(self, name)[:count] for name in NAMES))

    def of_symbol(self, symbol: int) -> Columns:
        """Return the trades of one symbol."""
        rows = [row for row, of in enumerate(self.symbol) if of == symbol]
        return Columns(*(array("q", [column[row] for row in rows]) for column in self._columns()))

    def write(self, folder: Path) -> None:
        """Write a file for each column; the folder appears whole or not at all."""
        partial = folder.with_name(folder.name + ".partial")
        partial.mkdir(parents=True, exist_ok=True)
        for name, column in zip(NAMES, self._columns(), strict=True):
            (partial / (name + _SUFFIX)).write_bytes(_little_endian(column).tobytes())
        partial.rename(folder)

    def _columns(self) -> tuple[array[int], ...]:
        return (self.ts, self.price, self.size, self.side, self.symbol)


def column_file(folder: Path, name: str) -> Path:
    """Return the file of a column: little-endian int64, nothing else."""
    return folder / (name + _SUFFIX)


def read_columns(folder: Path, count: int) -> Columns:
    """Return the first `count` trades of a folder."""
    return Columns(*(_read(column_file(folder, name), count) for name in NAMES))


def _read(file: Path, count: int) -> array[int]:
    column = array("q")
    with file.open("rb") as stream:
        column.fromfile(stream, count)
    return _little_endian(column)


def _little_endian(column: array[int]) -> array[int]:
    if sys.byteorder == "little":
        return column
    swapped = array("q", column)
    swapped.byteswap()
    return swapped
