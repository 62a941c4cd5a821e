"""Writes market data from elsewhere into a folder that the recorded feed plays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import polars as pl

from papertape.errors import Invalid, Unavailable
from papertape.model.instrument import Instrument
from papertape.model.market_file import MARKET_FILE_KEY, MarketFile, MarketKind
from papertape.store.foreign_rows import Foreign
from papertape.store.sheet import Cells, Heading, Sheet, write_sheet

_LARGEST = 10**15
_SIZES = frozenset({"size", "bid_size", "ask_size", "volume"})
_PRICES = frozenset({"price", "bid", "ask", "open", "high", "low", "close"})


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What was written. `dropped` rows stood twice; times in microseconds UTC."""

    kind: MarketKind
    instrument: str
    file: str
    rows: int
    dropped: int
    first_ts: int
    last_ts: int
    price_decimals: int
    size_decimals: int


def observed_decimals(foreign: Foreign) -> tuple[int, int]:
    """Return the most decimals that the prices and the sizes of the rows need."""
    return _decimals(foreign.frame, _PRICES), _decimals(foreign.frame, _SIZES)


def _decimals(frame: pl.DataFrame, wanted: frozenset[str]) -> int:
    most = 0
    for name in wanted & set(frame.columns):
        fractions = frame[name].str.split(".").list.get(1, null_on_oob=True).str.strip_chars_end("0")
        longest = fractions.str.len_chars().max()
        most = max(most, longest if isinstance(longest, int) else 0)
    return most


def import_rows(
    foreign: Foreign,
    kind: MarketKind,
    instrument: Instrument,
    path: Path,
    *,
    interval_s: int | None = None,
    is_forced: bool = False,
    on_rows: Callable[[int], None] = lambda _: None,
) -> Imported:
    """Write the rows of one instrument to a Parquet file that can be played.

    Raises:
        Invalid: a number has more decimals than the instrument, or is too large to be kept exactly.
        Conflict: the file exists and `is_forced` is not set.
        Unavailable: it cannot be written.
    """
    frame = foreign.frame
    _check_decimals(frame, instrument)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(
            f"The folder {path.parent} cannot be made ({error.strerror}); give another one with --out.",
            code="import.folder",
        ) from error
    head = MarketFile(kind=kind, instruments=(instrument,), interval_s=interval_s)
    rows = write_sheet(
        path, Sheet(_headings(kind)), _cells(frame, kind, instrument, interval_s), kind="parquet", is_forced=is_forced,
        metadata={MARKET_FILE_KEY: msgspec.json.encode(head).decode()}, on_rows=on_rows,
    )  # fmt: skip
    return Imported(
        kind=kind,
        instrument=instrument.id,
        file=str(path),
        rows=rows,
        dropped=foreign.dropped,
        first_ts=frame["ts"][0],
        last_ts=frame["ts"][-1],
        price_decimals=instrument.price_decimals,
        size_decimals=instrument.size_decimals,
    )


def _headings(kind: MarketKind) -> tuple[Heading, ...]:
    if kind == "trades":
        return (Heading("seq", "integer"), Heading("ts", "integer"), Heading("instrument", "text"),
                Heading("price", "real"), Heading("size", "real"), Heading("side", "text"),
                Heading("trade_id", "text"))  # fmt: skip
    if kind == "quotes":
        values = ("bid", "bid_size", "ask", "ask_size")
        return (Heading("seq", "integer"), Heading("ts", "integer"), Heading("instrument", "text"),
                *(Heading(name, "real") for name in values))  # fmt: skip
    return (Heading("ts", "integer"), Heading("instrument", "text"), Heading("interval_s", "integer"),
            *(Heading(name, "real") for name in ("open", "high", "low", "close", "volume")))  # fmt: skip


def _cells(frame: pl.DataFrame, kind: MarketKind, instrument: Instrument, interval_s: int | None) -> Iterator[Cells]:
    if kind == "trades":
        columns = frame.select("ts", "price", "size", "side", "trade_id")
        for seq, (ts, price, size, side, trade_id) in enumerate(columns.iter_rows(), 1):
            yield seq, ts, instrument.id, float(price), float(size), side, trade_id
    elif kind == "quotes":
        columns = frame.select("ts", "bid", "bid_size", "ask", "ask_size")
        for seq, (ts, *numbers) in enumerate(columns.iter_rows(), 1):
            yield seq, ts, instrument.id, *map(float, numbers)
    else:
        for ts, *numbers in frame.select("ts", "open", "high", "low", "close", "volume").iter_rows():
            yield ts, instrument.id, interval_s, *map(float, numbers)


def _check_decimals(frame: pl.DataFrame, instrument: Instrument) -> None:
    for wanted, decimals, option in (
        (_PRICES, instrument.price_decimals, "--price-decimals"),
        (_SIZES, instrument.size_decimals, "--size-decimals"),
    ):
        needed = _decimals(frame, wanted)
        if needed > decimals:
            raise Invalid(
                f"The file holds numbers with {needed} decimals, more than {option} {decimals}; give {option} "
                f"{needed}, or leave it out. Nothing was imported.",
                code="import.decimals",
                path=option.removeprefix("--"),
            )
        for name in wanted & set(frame.columns):
            largest = float(frame[name].cast(pl.Float64).max())  # type: ignore[arg-type]  # it is a number
            if largest * 10**decimals >= _LARGEST:
                raise Invalid(
                    f"{name} {largest:g} with {decimals} decimals is too large to be kept exactly; numbers of up to "
                    "15 digits were expected. Nothing was imported.",
                    code="import.too_large",
                    path=name,
                )
