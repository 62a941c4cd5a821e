"""Reads trades, quotes and bars from a CSV or Parquet file of elsewhere, and refuses what is not certain.

Values are read as texts, so that prices stay exact; a wrong one is named with its line. Lines count from 1, the header
included; in a Parquet file they are rows.
"""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import IO, Literal, cast

import msgspec
import polars as pl

from papertape.errors import Invalid, NotFound
from papertape.model.instrument import InstrumentId
from papertape.model.market_file import MarketKind
from papertape.store.foreign_columns import find_columns, headerless_names

Unit = Literal["s", "ms", "us", "ns"]
UNITS: dict[Unit, float] = {"s": 1_000_000.0, "ms": 1_000.0, "us": 1.0, "ns": 0.001}

_NUMBER = r"^\d+(\.\d*)?$"
_EXPONENT = re.compile(r"^\d+(\.\d*)?[eE][+-]?\d+$")
_SIDES = {"buy": "buy", "sell": "sell", "bid": "buy", "ask": "sell", "b": "buy", "s": "sell"}
_MAKER_SIDES = {"true": "sell", "false": "buy", "1": "sell", "0": "buy"}
_MAY_BE_ZERO = frozenset({"bid", "bid_size", "ask", "ask_size", "volume"})
_EARLIEST, _LATEST = 1_230_768_000_000_000, 4_102_444_800_000_000  # 2009 and 2100, microseconds
_LINE = "__line"


class Foreign(msgspec.Struct, frozen=True):
    """Rows as read: our columns as exact texts, `ts` in microseconds UTC. `dropped` counts rows that stood twice."""

    frame: pl.DataFrame
    dropped: int


class ForeignFile:
    """One file of trades, quotes or bars of one instrument.

    Args:
        path: CSV (also `.csv.gz`) or Parquet.
        kind: what it holds.
        instrument: whose rows are wanted where the file holds several.
        columns: the file's name for a column of ours, where it is not known.
        unit: of its times; by their size when None.
        is_sorting: whether rows out of time are put in order instead of refused.
    """

    def __init__(
        self,
        path: Path,
        kind: MarketKind,
        instrument: InstrumentId,
        *,
        columns: Mapping[str, str] = {},
        unit: Unit | None = None,
        is_sorting: bool = False,
    ) -> None:
        self._path = path
        self._kind = kind
        self._instrument = instrument
        self._columns = columns
        self._unit = unit
        self._is_sorting = is_sorting

    def read(self) -> Foreign:
        """Return all rows of the instrument in order of time.

        Raises:
            NotFound: there is no such file.
            Invalid: it cannot be read, lacks a column, or holds a wrong value, named with its line.
        """
        table = self._own_rows(_read_table(self._path, self._kind))
        found = find_columns(self._kind, [name for name in table.columns if name != _LINE], self._columns)
        if "trade_id" not in found and self._kind == "trades":
            table = table.with_columns(pl.col(_LINE).cast(pl.String).alias("trade_id"))
            found["trade_id"] = "trade_id"
        frame = table.select(_LINE, *(pl.col(theirs).alias(ours) for ours, theirs in found.items()))
        if frame.is_empty():
            raise self._wrong("it holds no row", "at least one was expected")
        frame = self._with_times(frame)
        for name in found:
            if name == "side":
                frame = self._with_sides(frame, found["side"])
            elif name not in ("ts", "trade_id"):
                frame = self._with_numbers(frame, name)
        return self._in_order(self._checked(frame))

    def _own_rows(self, table: pl.DataFrame) -> pl.DataFrame:
        if "instrument" in table.columns:
            named, wanted = pl.col("instrument"), self._instrument
        elif "symbol" in table.columns:
            # ccxt writes BTC/USDT:USDT for what the exchange calls BTCUSDT.
            named = pl.col("symbol").str.to_uppercase().str.replace(r":.*$", "").str.replace_all(r"[^A-Z0-9]", "")
            wanted = self._instrument.partition(".")[0].removesuffix("-PERP")
        else:
            return table
        own = table.filter(named == wanted)
        if own.is_empty() and not table.is_empty():
            there = table.select(named.unique().sort()).to_series().head(5).to_list()
            raise self._wrong(f"it holds no {wanted}", f"there are {', '.join(map(str, there))}")
        return own

    def _with_times(self, frame: pl.DataFrame) -> pl.DataFrame:
        texts = frame["ts"].fill_null("")
        first = str(texts[0])
        if re.match(_NUMBER, first):
            unit = self._unit or _unit_of(float(first))
            self._refuse(frame, "ts", ~texts.str.contains(_NUMBER), f"a time in {unit}")
            whole = texts.str.split(".").list.first().cast(pl.Int64, strict=False)
            fraction = ("0." + texts.str.split(".").list.get(1, null_on_oob=True)).cast(pl.Float64, strict=False)
            if unit == "ns":
                times = whole // 1_000
            else:
                times = whole * int(UNITS[unit]) + (fraction.fill_null(0.0) * UNITS[unit]).round().cast(pl.Int64)
        else:
            times = texts.str.to_datetime(time_unit="us", time_zone="UTC", strict=False).cast(pl.Int64)
        expected = "a time between 2009 and 2100 as a number or ISO 8601; give --unit s, ms, us or ns if it is another"
        self._refuse(frame, "ts", times.is_null() | (times < _EARLIEST) | (times >= _LATEST), expected)
        return frame.with_columns(times.alias("ts"))

    def _with_sides(self, frame: pl.DataFrame, theirs: str) -> pl.DataFrame:
        is_maker = theirs.lower() in ("is_buyer_maker", "isbuyermaker", "m")
        meanings = _MAKER_SIDES if is_maker else _SIDES
        lower = frame["side"].fill_null("").str.to_lowercase()
        sides = lower.replace_strict(meanings, default=None, return_dtype=pl.String)
        self._refuse(frame, "side", sides.is_null(), "true or false" if is_maker else "buy or sell")
        return frame.with_columns(sides.alias("side"))

    def _with_numbers(self, frame: pl.DataFrame, name: str) -> pl.DataFrame:
        texts = frame[name].fill_null("").str.strip_chars()
        if texts.str.contains("[eE]").any():
            texts = texts.map_elements(_plain, return_dtype=pl.String)
        wrong = ~texts.str.contains(_NUMBER)
        if name not in _MAY_BE_ZERO:
            wrong = wrong | (texts.cast(pl.Float64, strict=False) == 0)
        expected = "a number that is not negative" if name in _MAY_BE_ZERO else "a positive number"
        self._refuse(frame, name, wrong, expected)
        return frame.with_columns(texts.alias(name))

    def _checked(self, frame: pl.DataFrame) -> pl.DataFrame:
        def number(name: str) -> pl.Series:
            return frame[name].cast(pl.Float64)

        if self._kind == "quotes":
            for side in ("bid", "ask"):  # a side without an order has neither price nor size
                empty = (number(side) == 0) & (number(f"{side}_size") > 0)
                self._refuse(frame, side, empty, "a positive price where there is a size")
            crossed = (number("bid") > number("ask")) & (number("ask") > 0)
            self._refuse(frame, "bid", crossed, "a bid that is not above the ask")
        if self._kind == "bars":
            low, high = number("low"), number("high")
            inside = (low <= number("open")) & (number("open") <= high)
            inside &= (low <= number("close")) & (number("close") <= high)
            self._refuse(frame, "high", ~inside, "open and close between low and high")
        return frame

    def _in_order(self, frame: pl.DataFrame) -> Foreign:
        frame, dropped = self._without_twins(frame)
        backwards = (frame["ts"].diff() < 0).fill_null(value=False)
        if backwards.any() and not self._is_sorting:
            line = frame.filter(backwards)[_LINE][0]
            raise self._wrong(
                f"line {line} is older than the line before it", "give --sort if the order of the file means nothing"
            )
        ordered = frame.sort("ts", maintain_order=True) if self._is_sorting else frame
        return Foreign(ordered.drop(_LINE), dropped)

    def _without_twins(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, int]:
        # Dumps of adjoining days overlap: the same row twice is one. The same name for two different rows is an error.
        keys = {"trades": "trade_id", "bars": "ts"}
        key = keys.get(self._kind)
        if key is None:
            return frame, 0
        values = [name for name in frame.columns if name != _LINE]
        single = frame.unique(subset=values, keep="first", maintain_order=True)
        clash = single.filter(single[key].is_duplicated())
        if not clash.is_empty():
            named = clash[key][0]
            lines = clash.filter(clash[key] == named)[_LINE].to_list()
            raise self._wrong(
                f"lines {lines[0]} and {lines[1]} have the same {key} {named}", "but differ; each was expected once"
            )
        return single, frame.height - single.height

    def _refuse(self, frame: pl.DataFrame, name: str, wrong: pl.Series, expected: str) -> None:
        at = wrong.fill_null(value=True).arg_max()
        if at is not None and bool(wrong.fill_null(value=True)[at]):
            value = frame[name][at]
            shown = f"nothing for {name}" if value is None else f"{name} {str(value)[:60]!r}"
            raise self._wrong(f"line {frame[_LINE][at]} has {shown}", f"expected {expected}")

    def _wrong(self, what: str, expected: str) -> Invalid:
        return Invalid(f"{self._path}: {what}; {expected}. Nothing was imported.", code="import.wrong_row")


def _unit_of(value: float) -> Unit:
    if value >= 1e17:
        return "ns"
    if value >= 1e14:
        return "us"
    return "ms" if value >= 1e11 else "s"


def _plain(text: str) -> str:
    return format(Decimal(text), "f") if _EXPONENT.match(text) else text


def _read_table(path: Path, kind: MarketKind) -> pl.DataFrame:
    if not path.is_file():
        raise NotFound(f"There is no file {path}; give a CSV or Parquet file of {kind}.", code="import.missing")
    try:
        if path.suffix == ".parquet":
            table = pl.read_parquet(path)
            moments = [name for name, kind_of in table.schema.items() if isinstance(kind_of, pl.Datetime)]
            table = table.with_columns(pl.col(moments).dt.epoch("us")).with_columns(pl.all().cast(pl.String))
            return table.with_row_index(_LINE, 1)
        return _read_csv(path, kind)
    except (pl.exceptions.PolarsError, OSError, UnicodeError, csv.Error) as error:
        raise Invalid(
            f"{path} cannot be read as {'Parquet' if path.suffix == '.parquet' else 'CSV'} "
            f"({str(error).splitlines()[0]}); give a file that is whole. Nothing was imported.",
            code="import.unreadable",
        ) from error


def _read_csv(path: Path, kind: MarketKind) -> pl.DataFrame:
    with _open_text(path) as file:
        first = next(csv.reader([file.readline()]), [])
    has_header = not any(re.match(_NUMBER, value.strip()) for value in first)
    names = None if has_header else headerless_names(kind, first)
    table = pl.read_csv(path, has_header=has_header, new_columns=names, infer_schema=False, raise_if_empty=False)
    return table.with_row_index(_LINE, 2 if has_header else 1)


def _open_text(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return cast("IO[str]", gzip.open(path, "rt", encoding="utf-8"))
    return path.open(encoding="utf-8")
