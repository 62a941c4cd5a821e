"""The rows of one file that belong to one instrument, checked and made into integers portion by portion."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Protocol

import polars as pl

from papertape.model.instrument import Instrument, InstrumentId
from papertape.model.market_file import MarketKind
from papertape.store.foreign_columns import find_columns
from papertape.store.foreign_rows import RowChecks, Unit, owner_of, owner_symbol, wrong_row
from papertape.store.foreign_tables import LINE, column_names, read_portions
from papertape.store.market_scaling import (
    LARGEST,
    MOST_DECIMALS,
    as_numbers,
    decimals_needed,
    has_more_decimals,
    scaled,
)

_CONSEQUENCE = "Nothing was run."
_OWNER = "__owner"
_SECOND = 1_000_000
_PRICES = ("price", "bid", "ask", "open", "high", "low", "close")
_MARKETS = ("venue", "exchange", "market", "security", "resolution")
_SIZES = ("size", "bid_size", "ask_size", "volume")


class Decimals:
    """The decimals of an instrument's prices and sizes, and the largest of each."""

    def __init__(self, price: int = 0, size: int = 0) -> None:
        self.price = price
        self.size = size
        self.largest_price = 0.0
        self.largest_size = 0.0


class Precisions:
    """What the numbers of each instrument need; fixed for the instruments that are known."""

    def __init__(self, known: Mapping[InstrumentId, Instrument]) -> None:
        self.known = known
        self._of: dict[InstrumentId, Decimals] = {}

    def of(self, name: InstrumentId) -> Decimals:
        """Return what is known of one so far."""
        found = self._of.get(name)
        if found is None:
            known = self.known.get(name)
            found = Decimals() if known is None else Decimals(known.price_decimals, known.size_decimals)
            self._of[name] = found
        return found


class Options(Protocol):
    """How files are to be read."""

    @property
    def columns(self) -> dict[str, str]:
        """The file's name for a column of ours."""

    @property
    def unit(self) -> Unit | None:
        """Of its times."""

    @property
    def interval_s(self) -> int | None:
        """Of its bars."""


class Piece:
    """The rows of one instrument in one file, in portions: integers, with the decimals that each portion was given."""

    def __init__(self, file: int, path: Path, kind: MarketKind, instrument: InstrumentId) -> None:
        self.file = file
        self.path = path
        self.kind = kind
        self.instrument = instrument
        self.frames: list[tuple[pl.DataFrame, Decimals]] = []
        self.first_ts = 0
        self.last_ts = 0
        self.notes: list[str] = []
        self._markets: dict[str, set[str]] = {}

    def check_one_market(self, rows: pl.DataFrame) -> None:
        """Raise `Invalid` when rows of one symbol are of several markets, which would be mixed into one."""
        for name in (name for name in _MARKETS if name in rows.columns):
            there = self._markets.setdefault(name, set())
            there.update(map(str, rows[name].unique().to_list()))
            if len(there) > 1:
                raise wrong_row(
                    self.path,
                    f"rows of {self.instrument} have the {name} {' and '.join(sorted(there)[:3])}",
                    "one market was expected; give a file that holds one of them only",
                    _CONSEQUENCE,
                )

    def close(self, interval_s: int | None) -> None:
        """Take out what stands twice, find the interval of bars and the first and last times; raises `Invalid`."""
        if self.kind == "bars":
            self._close_bars(interval_s)
        elif self.kind == "trades" and "trade_id" in self.frames[0][0].columns:
            self._drop_twins("trade_id")
        times = pl.concat([frame["ts"] for frame, _ in self.frames])
        backwards = int((times.diff() < 0).sum())
        if backwards:
            self.notes.append(
                f"{self.path}: {self.kind} of {self.instrument} went back in time {backwards:,} times and were put in "
                "order, those of equal time as they stood."
            )
        self.first_ts, self.last_ts = _span(times)

    def _close_bars(self, interval_s: int | None) -> None:
        self._drop_twins("ts")
        opens = pl.concat([frame["ts"] for frame, _ in self.frames]).sort()
        steps = opens.diff().drop_nulls()
        closest = steps.min() if len(steps) else None
        stated = self.frames[0][0]["interval_us"].max() if "interval_us" in self.frames[0][0].columns else None
        interval_us = stated or (interval_s * _SECOND if interval_s else closest) or 60 * _SECOND
        assert isinstance(interval_us, int)
        if isinstance(closest, int) and closest < interval_us:
            raise wrong_row(
                self.path,
                f"bars of {self.instrument} open {closest / _SECOND:g} s apart",
                f"bars of {interval_us / _SECOND:g} s do not overlap; give their --interval",
                _CONSEQUENCE,
            )
        self.frames = [
            (
                frame.with_columns(pl.col("ts").alias("open_ts"), pl.lit(interval_us, pl.Int64).alias("interval_us")),
                decimals,
            )
            for frame, decimals in self.frames
        ]

    def _drop_twins(self, key: str) -> None:
        keys = pl.concat([frame[key] for frame, _ in self.frames])
        steps = keys.diff(null_behavior="ignore").drop_nulls() if keys.dtype.is_numeric() else None
        if steps is not None and keys.null_count() == 0 and bool((steps > 0).all()):
            return
        if not keys.is_duplicated().any():
            return
        whole = pl.concat([self._at_most_decimals(frame, decimals) for frame, decimals in self.frames])
        single = whole.unique(
            subset=[name for name in whole.columns if name != LINE], keep="first", maintain_order=True
        )
        clash = single.filter(single[key].is_duplicated())
        if not clash.is_empty():
            lines = clash.filter(clash[key] == clash[key][0])[LINE].to_list()
            raise wrong_row(
                self.path,
                f"lines {lines[0]} and {lines[1]} have the same {key} {clash[key][0]}",
                "but differ; each was expected once",
                _CONSEQUENCE,
            )
        self.notes.append(f"{self.path}: {whole.height - single.height:,} rows stood twice and were taken once.")
        self.frames = [(single, self.frames[-1][1])]

    def _at_most_decimals(self, frame: pl.DataFrame, decimals: Decimals) -> pl.DataFrame:
        last = self.frames[-1][1]  # decimals only grow from one portion to the next
        price, size = 10 ** (last.price - decimals.price), 10 ** (last.size - decimals.size)
        return frame.with_columns(
            *(pl.col(name) * price for name in _PRICES if name in frame.columns),
            *(pl.col(name) * size for name in (*_SIZES, "lots") if name in frame.columns),
        )


_numbers = count()


def read_pieces(
    file: str,
    kind: MarketKind,
    instruments: Sequence[InstrumentId],
    options: Options,
    precisions: Precisions,
    on_rows: Callable[[int], None],
) -> list[Piece]:
    """Return the rows of each instrument that a file holds; raises `NotFound`, `Invalid`."""
    path = Path(file)
    names = column_names(path, kind, _CONSEQUENCE)
    found = find_columns(kind, names, options.columns)
    checks = RowChecks(path, kind, found, options.unit, _CONSEQUENCE)
    number = next(_numbers)
    pieces: dict[InstrumentId, Piece] = {}
    read = 0
    for table in read_portions(path, kind, _CONSEQUENCE):
        for instrument, rows in _by_owner(table, instruments):
            piece = pieces.setdefault(instrument, Piece(number, path, kind, instrument))
            piece.check_one_market(rows)
            frame = checks.take(rows)
            if kind == "bars" and "interval_s" in rows.columns:
                frame = frame.with_columns((rows["interval_s"].cast(pl.Int64) * _SECOND).alias("interval_us"))
            piece.frames.append(_as_integers(frame, instrument, precisions, checks))
        read += table.height
        on_rows(read)
    if read == 0:
        raise wrong_row(path, "it holds no row", "at least one was expected", _CONSEQUENCE)
    for piece in pieces.values():
        piece.close(options.interval_s)
    return list(pieces.values())


def _by_owner(table: pl.DataFrame, instruments: Sequence[InstrumentId]) -> Iterator[tuple[InstrumentId, pl.DataFrame]]:
    owner = owner_of(table.columns)
    if owner is None:
        yield instruments[0], table
        return
    has_ids = "instrument" in table.columns
    wanted = {name if has_ids else owner_symbol(name): name for name in instruments}
    own = table.with_columns(owner.alias(_OWNER)).filter(pl.col(_OWNER).is_in(list(wanted)))
    for (name,), rows in own.partition_by(_OWNER, as_dict=True, maintain_order=True).items():
        yield wanted[str(name)], rows


def _as_integers(
    frame: pl.DataFrame, name: InstrumentId, precisions: Precisions, checks: RowChecks
) -> tuple[pl.DataFrame, Decimals]:
    needed = precisions.of(name)
    limits = (needed.price, needed.size) if name in precisions.known else (MOST_DECIMALS, MOST_DECIMALS)
    prices = [each for each in _PRICES if each in frame.columns]
    sizes = [each for each in _SIZES if each in frame.columns]
    for column in (*prices, *sizes):
        is_price = column in prices
        limit = limits[0] if is_price else limits[1]
        at_least = needed.price if is_price else needed.size
        decimals = decimals_needed(frame[column], at_least)
        if column == "volume" and frame[column].dtype == pl.Float64:
            # A sum of float64 sizes carries their noise: it is rounded to what can be kept.
            decimals = max(at_least, min(decimals, limit, _room(frame[column])))
        elif decimals > limit:
            whose = f", which is what {name} has" if name in precisions.known else ""
            what = f"a number with at most {limit} decimals{whose}"
            checks.refuse(frame, column, has_more_decimals(frame[column], limit), what)
        numbers = as_numbers(frame[column])
        checks.refuse(
            frame, column, numbers * 10.0**decimals >= LARGEST, f"at most 15 digits, {decimals} of them decimals"
        )
        largest = numbers.max()
        assert isinstance(largest, float)
        if is_price:
            needed.price, needed.largest_price = decimals, max(needed.largest_price, largest)
        else:
            needed.size, needed.largest_size = decimals, max(needed.largest_size, largest)
    whole = frame.with_columns(
        *(scaled(frame[each], needed.price).alias(each) for each in prices),
        *(scaled(frame[each], needed.size).alias(each) for each in sizes),
    )
    return _signed(whole), Decimals(needed.price, needed.size)


def _room(values: pl.Series) -> int:
    largest = values.max()
    assert isinstance(largest, float)
    return next((each for each in range(MOST_DECIMALS, 0, -1) if largest * 10.0**each < LARGEST), 0)


def _signed(frame: pl.DataFrame) -> pl.DataFrame:
    if "side" not in frame.columns:
        return frame
    lots = pl.when(pl.col("side") == "buy").then(pl.col("size")).otherwise(-pl.col("size"))
    numeric = frame.with_columns(lots.alias("lots")).drop("side", "size")
    if "trade_id" not in numeric.columns:
        return numeric
    ids = numeric["trade_id"]
    if not ids.dtype.is_integer():
        # Names are compared, not shown: eight bytes each are enough.
        numbers = ids.cast(pl.String).cast(pl.Int64, strict=False)
        ids = numbers if numbers.null_count() == 0 else ids.cast(pl.String).hash().cast(pl.Int64, wrap_numerical=True)
    return numeric.with_columns(ids.cast(pl.Int64).alias("trade_id"))


def _span(times: pl.Series) -> tuple[int, int]:
    first, last = times.min(), times.max()
    assert isinstance(first, int)
    assert isinstance(last, int)
    return first, last
