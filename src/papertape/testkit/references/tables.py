"""Readers of third parties' files: columns of numbers, with how precisely each is printed."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import msgspec
import polars as pl

from papertape.indicators.bars import Bar
from papertape.testkit.references.case import Case, Prices
from papertape.testkit.shared_data import find_shared_data

MINUTE = 60_000_000
FULL_PRECISION = 1e-9
"""Relative tolerance of a column printed with 15 digits or more; others are held to half a unit of their last one."""

_FULL_DIGITS = 15
_OF_DOUBLES = (".json", ".parquet")

Table = dict[str, list[str]]


class Expected(NamedTuple):
    """A column: its values, None where unset, the most decimals and the most digits any of them is printed with.

    `magnitude` is the median of their sizes, what a difference of a column of full precision is relative to.
    """

    values: list[float | None]
    decimals: int
    digits: int
    magnitude: float

    def tolerance(self, at: int) -> float:
        """Return how far from the value of row `at` an equal one may be, by what is printed."""
        value = self.values[at] or 0.0
        if self.is_full:
            return FULL_PRECISION * max(abs(value), self.magnitude)
        unit = -float(self.decimals)
        if value:
            unit = max(unit, math.floor(math.log10(abs(value))) + 1.0 - self.digits)
        return 0.5 * float(10.0**unit) * (1.0 + 1e-6)

    @property
    def is_full(self) -> bool:
        """Whether the column is printed with the whole precision of a double."""
        return self.digits >= _FULL_DIGITS


def read_bars(case: Case) -> list[Bar]:
    """Return the case's bars as one-minute bars from the epoch on; a missing price is the close, a missing volume 0."""
    return _bars(case.source, case.file, case.prices, case.lead)


@lru_cache(maxsize=256)
def _bars(source: str, file: str, prices: Prices, lead: int) -> list[Bar]:
    table = {name.lower(): cells for name, cells in read_table(source, file).items() if name}
    closes = [float(cell) if cell else math.nan for cell in table["volume" if prices == "volume" else "close"]]
    are_flat = prices in {"close", "volume"}
    opens, highs, lows = (
        closes if are_flat or name not in table else [float(cell or "nan") for cell in table[name]]
        for name in ("open", "high", "low")
    )
    if prices == "typical":
        closes = [(high + low + close) / 3.0 for high, low, close in zip(highs, lows, closes, strict=True)]
    if prices == "mean":
        closes = [sum(four) / 4.0 for four in zip(opens, highs, lows, closes, strict=True)]
    volumes = [float(cell or 0) for cell in table.get("volume", ["0"] * len(closes))]
    first = closes[0]
    rows = [(first, first, first, first, 0.0)] * lead
    rows += zip(opens, highs, lows, closes, volumes, strict=True)
    return [Bar(at * MINUTE, (at + 1) * MINUTE, *row) for at, row in enumerate(rows)]


def read_expected(case: Case) -> Expected:
    """Return the column a case expects, without the rows that are left out."""
    table = read_table(case.source, case.file)
    is_left_out = _left_out(case, table)
    cells = table[case.column]
    kept = ["" if is_left_out(at) or cell in {"", "NaN", *case.unset} else cell for at, cell in enumerate(cells)]
    printed = [cell for cell in kept if cell]
    values = [float(cell) if cell else None for cell in kept]
    if case.less is not None:
        others = table[case.less[0]]
        values = [None if value is None else value - float(other) for value, other in zip(values, others, strict=True)]
    sizes = sorted(abs(value) for value in values if value is not None)
    return Expected(
        values,
        max(map(_decimals, printed), default=0),
        _FULL_DIGITS if case.file.endswith(_OF_DOUBLES) else max(map(_digits, printed), default=0),
        sizes[len(sizes) // 2] if sizes else 0.0,
    )


def _left_out(case: Case, table: Table) -> Callable[[int], bool]:
    closes = table.get("close", [])

    def is_left_out(at: int) -> bool:
        is_flat = case.flat and len(set(closes[max(0, at - case.flat + 1) : at + 1])) == 1
        return bool(not case.after <= at < case.before or at in case.without or is_flat)

    return is_left_out


@lru_cache(maxsize=128)
def read_table(source: str, file: str) -> Table:
    """Return the cells of a file by column name; a bar that a JSON file takes from its quotes is joined to it."""
    folder = find_shared_data(source)
    if folder is None:
        raise FileNotFoundError(f"The reference data {source!r} is not beside this checkout.")
    if file.endswith(".parquet"):
        return _from_parquet(folder / file)
    if file.endswith(".json"):
        return _from_json(folder / "results" / file) | _from_csv(folder / "quotes" / "default.csv")
    return _from_csv(folder / "files" / file if (folder / "files").is_dir() else folder / file)


def _from_csv(path: Path) -> Table:
    with path.open(newline="", encoding="utf-8-sig") as lines:
        names, *rows = list(csv.reader(lines))
    kept = [row for row in rows if any(row)]
    return {
        name.strip(): [row[at].strip() if at < len(row) else "" for row in kept]
        for at, name in reversed(list(enumerate(names)))
    }


def _from_parquet(path: Path) -> Table:
    frame = pl.read_parquet(path).drop("ts")
    return {name: [_cell(value) for value in frame[name].to_list()] for name in frame.columns}


def _from_json(path: Path) -> Table:
    rows = msgspec.json.decode(path.read_bytes(), type=list[dict[str, float | bool | str | None]])
    return {name: [_cell(row[name]) for row in rows] for name in rows[0] if name != "timestamp"}


def _cell(value: float | bool | str | None) -> str:
    if value is None or value != value:
        return ""
    return repr(float(value))


def _mantissa(cell: str) -> str:
    return cell.lower().partition("e")[0].lstrip("+-")


def _decimals(cell: str) -> int:
    exponent = int(cell.lower().partition("e")[2] or 0)
    return len(_mantissa(cell).partition(".")[2]) - exponent


def _digits(cell: str) -> int:
    return len(_mantissa(cell).replace(".", "").lstrip("0"))
