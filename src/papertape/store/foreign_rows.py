"""Reads trades, quotes and bars from a CSV or Parquet file of elsewhere, and refuses what is not certain.

Values are read as texts, so that prices stay exact; a wrong one is named with its line. Lines count from 1, the header
included; in a Parquet file they are rows.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Literal

import msgspec
import polars as pl

from papertape.errors import Invalid
from papertape.model.instrument import InstrumentId
from papertape.model.market_file import MarketKind
from papertape.store.foreign_columns import MAKER_COLUMNS, find_columns
from papertape.store.foreign_tables import LINE, NOTHING_IMPORTED, NUMBER, read_table

Unit = Literal["s", "ms", "us", "ns"]
UNITS: dict[Unit, float] = {"s": 1_000_000.0, "ms": 1_000.0, "us": 1.0, "ns": 0.001}

_EXPONENT = re.compile(r"^\d+(\.\d*)?[eE][+-]?\d+$")
_SIDES = {"buy": "buy", "sell": "sell", "bid": "buy", "ask": "sell", "b": "buy", "s": "sell"}
_MAKER_SIDES = {"true": "sell", "false": "buy", "1": "sell", "0": "buy"}
_MAY_BE_ZERO = frozenset({"bid", "bid_size", "ask", "ask_size", "volume"})
_EARLIEST, _LATEST = 1_230_768_000_000_000, 4_102_444_800_000_000  # 2009 and 2100, microseconds


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
        table = self._own_rows(read_table(self._path, self._kind))
        found = find_columns(self._kind, [name for name in table.columns if name != LINE], self._columns)
        if "trade_id" not in found and self._kind == "trades":
            table = table.with_columns(pl.col(LINE).cast(pl.String).alias("trade_id"))
            found["trade_id"] = "trade_id"
        if table.is_empty():
            raise self._wrong("it holds no row", "at least one was expected")
        return self._in_order(RowChecks(self._path, self._kind, found, self._unit).take(table))

    def _own_rows(self, table: pl.DataFrame) -> pl.DataFrame:
        named = owner_of(table.columns)
        if named is None:
            return table
        wanted = self._instrument if "instrument" in table.columns else owner_symbol(self._instrument)
        own = table.filter(named == wanted)
        if own.is_empty() and not table.is_empty():
            there = table.select(named.unique().sort()).to_series().head(5).to_list()
            raise self._wrong(f"it holds no {wanted}", f"there are {', '.join(map(str, there))}")
        return own

    def _in_order(self, frame: pl.DataFrame) -> Foreign:
        frame, dropped = self._without_twins(frame)
        backwards = (frame["ts"].diff() < 0).fill_null(value=False)
        if backwards.any() and not self._is_sorting:
            line = frame.filter(backwards)[LINE][0]
            raise self._wrong(
                f"line {line} is older than the line before it", "give --sort if the order of the file means nothing"
            )
        ordered = frame.sort("ts", maintain_order=True) if self._is_sorting else frame
        return Foreign(ordered.drop(LINE), dropped)

    def _without_twins(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, int]:
        # Dumps of adjoining days overlap: the same row twice is one. The same name for two different rows is an error.
        keys = {"trades": "trade_id", "bars": "ts"}
        key = keys.get(self._kind)
        if key is None:
            return frame, 0
        values = [name for name in frame.columns if name != LINE]
        single = frame.unique(subset=values, keep="first", maintain_order=True)
        clash = single.filter(single[key].is_duplicated())
        if not clash.is_empty():
            named = clash[key][0]
            lines = clash.filter(clash[key] == named)[LINE].to_list()
            raise self._wrong(
                f"lines {lines[0]} and {lines[1]} have the same {key} {named}", "but differ; each was expected once"
            )
        return single, frame.height - single.height

    def _wrong(self, what: str, expected: str) -> Invalid:
        return wrong_row(self._path, what, expected)


class RowChecks:
    """Checks rows of one file and brings them into our form.

    Args:
        path: the file, for the sentences.
        kind: what it holds.
        found: the file's column for each of ours.
        unit: of its times; by the size of the first one when None, and kept from then on.
        consequence: what a refusal says has not happened.
    """

    def __init__(
        self,
        path: Path,
        kind: MarketKind,
        found: Mapping[str, str],
        unit: Unit | None,
        consequence: str = NOTHING_IMPORTED,
    ) -> None:
        self._path = path
        self._kind = kind
        self._found = found
        self._unit = unit
        self._consequence = consequence

    def take(self, table: pl.DataFrame) -> pl.DataFrame:
        """Return the rows of a table with a column LINE: our columns, `ts` in microseconds UTC.

        Numbers stay float64 or integers where they are so, and are exact texts otherwise.

        Raises:
            Invalid: a wrong value, named with its line.
        """
        frame = table.select(LINE, *(pl.col(theirs).alias(ours) for ours, theirs in self._found.items()))
        frame = self._with_times(frame)
        for name in self._found:
            if name == "side":
                frame = self._with_sides(frame, self._found["side"])
            elif name not in ("ts", "trade_id"):
                frame = self._with_numbers(frame, name)
        return self._checked(frame)

    def refuse(self, frame: pl.DataFrame, name: str, wrong: pl.Series, expected: str) -> None:
        """Raise `Invalid` with the first row of `frame` that is wrong, if there is one."""
        is_wrong = wrong.fill_null(value=True)
        at = is_wrong.arg_max()
        if at is not None and bool(is_wrong[at]):
            value = frame[name][at]
            shown = f"nothing for {name}" if value is None else f"{name} {str(value)[:60]!r}"
            what = f"line {frame[LINE][at]} has {shown}"
            raise wrong_row(self._path, what, f"expected {expected}", self._consequence)

    def _with_times(self, frame: pl.DataFrame) -> pl.DataFrame:
        expected = "a time between 2009 and 2100 as a number or ISO 8601; give --unit s, ms, us or ns if it is another"
        times = self._whole_times(frame) if frame["ts"].dtype.is_integer() else self._text_times(frame)
        self.refuse(frame, "ts", times.is_null() | (times < _EARLIEST) | (times >= _LATEST), expected)
        return frame.with_columns(times.alias("ts"))

    def _whole_times(self, frame: pl.DataFrame) -> pl.Series:
        times = frame["ts"].cast(pl.Int64, strict=False)
        self._unit = self._unit or _unit_of(_first_of(times))
        return times // 1_000 if self._unit == "ns" else times * int(UNITS[self._unit])

    def _text_times(self, frame: pl.DataFrame) -> pl.Series:
        texts = frame["ts"].cast(pl.String).fill_null("")
        first = str(texts[0])
        if re.match(NUMBER, first):
            unit = self._unit = self._unit or _unit_of(float(first))
            self.refuse(frame, "ts", ~texts.str.contains(NUMBER), f"a time in {unit}")
            whole = texts.str.split(".").list.first().cast(pl.Int64, strict=False)
            fraction = ("0." + texts.str.split(".").list.get(1, null_on_oob=True)).cast(pl.Float64, strict=False)
            if unit == "ns":
                return whole // 1_000
            return whole * int(UNITS[unit]) + (fraction.fill_null(0.0) * UNITS[unit]).round().cast(pl.Int64)
        return texts.str.to_datetime(time_unit="us", time_zone="UTC", strict=False).cast(pl.Int64)

    def _with_sides(self, frame: pl.DataFrame, theirs: str) -> pl.DataFrame:
        is_maker = theirs.lower() in MAKER_COLUMNS
        meanings = _MAKER_SIDES if is_maker else _SIDES
        lower = frame["side"].cast(pl.String).fill_null("").str.to_lowercase()
        sides = lower.replace_strict(meanings, default=None, return_dtype=pl.String)
        self.refuse(frame, "side", sides.is_null(), "true or false" if is_maker else "buy or sell")
        return frame.with_columns(sides.alias("side"))

    def _with_numbers(self, frame: pl.DataFrame, name: str) -> pl.DataFrame:
        expected = "a number that is not negative" if name in _MAY_BE_ZERO else "a positive number"
        if frame[name].dtype.is_numeric():
            values = frame[name].cast(pl.Float64)
            wrong = ~values.is_finite() | (values < 0 if name in _MAY_BE_ZERO else values <= 0)
            self.refuse(frame, name, wrong, expected)
            return frame.with_columns(values.alias(name))
        texts = frame[name].fill_null("").str.strip_chars()
        if texts.str.contains("[eE]").any():
            texts = texts.map_elements(_plain, return_dtype=pl.String)
        wrong = ~texts.str.contains(NUMBER)
        if name not in _MAY_BE_ZERO:
            wrong = wrong | (texts.cast(pl.Float64, strict=False) == 0)
        self.refuse(frame, name, wrong, expected)
        return frame.with_columns(texts.alias(name))

    def _checked(self, frame: pl.DataFrame) -> pl.DataFrame:
        def number(name: str) -> pl.Series:
            return frame[name].cast(pl.Float64)

        if self._kind == "quotes":
            for side in ("bid", "ask"):  # a side without an order has neither price nor size
                empty = (number(side) == 0) & (number(f"{side}_size") > 0)
                self.refuse(frame, side, empty, "a positive price where there is a size")
            crossed = (number("bid") > number("ask")) & (number("ask") > 0)
            self.refuse(frame, "bid", crossed, "a bid that is not above the ask")
        if self._kind == "bars":
            low, high = number("low"), number("high")
            inside = (low <= number("open")) & (number("open") <= high)
            inside &= (low <= number("close")) & (number("close") <= high)
            self.refuse(frame, "high", ~inside, "open and close between low and high")
        return frame


def wrong_row(path: Path, what: str, expected: str, consequence: str = NOTHING_IMPORTED) -> Invalid:
    """Return the refusal of a file, to be raised."""
    return Invalid(f"{path}: {what}; {expected}. {consequence}", code="import.wrong_row")


def owner_of(names: Collection[str]) -> pl.Expr | None:
    """Return whose a row is, as an instrument's id or as `owner_symbol` says it; None where no column tells."""
    if "instrument" in names:
        return pl.col("instrument")
    column = next((name for name in ("symbol", "pair") if name in names), None)
    if column is None:
        return None
    # ccxt writes BTC/USDT:USDT for what the exchange calls BTCUSDT.
    return pl.col(column).str.to_uppercase().str.replace(r":.*$", "").str.replace_all(r"[^A-Z0-9]", "")


def owner_symbol(instrument: InstrumentId) -> str:
    """Return how files without our ids name an instrument."""
    return instrument.partition(".")[0].removesuffix("-PERP")


def _first_of(times: pl.Series) -> float:
    first = times.drop_nulls().first()
    return float(first) if isinstance(first, int) else 0.0


def _unit_of(value: float) -> Unit:
    if value >= 1e17:
        return "ns"
    if value >= 1e14:
        return "us"
    return "ms" if value >= 1e11 else "s"


def _plain(text: str) -> str:
    return format(Decimal(text), "f") if _EXPONENT.match(text) else text
