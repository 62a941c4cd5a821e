"""Files of `papertape indicators compute`: bars or trades read with Polars, values written."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from rich.progress import track

from papertape.errors import Invalid
from papertape.indicators.bars import Bar
from papertape.indicators.compute import Row, TradeRow

_TIME_COLUMNS = ("ts", "timestamp", "time", "date", "datetime", "open_time", "trade_ts_ms", "event_ts_ms")
_BAR_COLUMNS = frozenset({"open", "high", "low", "close", "volume"})
_TRADE_COLUMNS = frozenset({"price", "size"})


def read_frame(path: Path) -> pl.DataFrame:
    """Return a CSV or Parquet file, its columns named in small letters; raises `Invalid` when there is none."""
    if not path.exists():
        raise Invalid(f"{path} does not exist; give a CSV or Parquet file.", code="indicators.no_file")
    frame = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, try_parse_dates=True)
    return frame.rename({name: name.strip().lower() for name in frame.columns})


def has_bars(frame: pl.DataFrame) -> bool:
    """Return whether a frame has the columns of bars."""
    return set(frame.columns) >= _BAR_COLUMNS


def has_trades(frame: pl.DataFrame) -> bool:
    """Return whether a frame has the columns of trades."""
    return set(frame.columns) >= _TRADE_COLUMNS


def _times(frame: pl.DataFrame) -> list[int]:
    name = next((column for column in _TIME_COLUMNS if column in frame.columns), None)
    if name is None:
        raise Invalid(
            f"The file has no time column; expected one of {', '.join(_TIME_COLUMNS)}.", code="indicators.no_time"
        )
    column = frame[name]
    if column.dtype.is_temporal():
        return column.cast(pl.Datetime("us")).cast(pl.Int64).to_list()
    scale = _scale(int(column.cast(pl.Float64)[0])) if len(column) else 1
    return [int(value * scale) for value in column.cast(pl.Float64)]


def _scale(first: int) -> float:
    # Seconds have up to 10 digits, milliseconds 13, microseconds 16, nanoseconds 19.
    digits = len(str(abs(first)))
    for limit, scale in ((10, 1e6), (13, 1e3), (16, 1.0)):
        if digits <= limit:
            return scale
    return 1e-3


def bars_of(frame: pl.DataFrame) -> list[Bar]:
    """Return the bars of a frame; raises `Invalid` when it has no time."""
    times = _times(frame)
    closes = [*times[1:], times[-1] + (times[-1] - times[-2] if len(times) > 1 else 60_000_000)]
    values = frame.select("open", "high", "low", "close", "volume").cast(pl.Float64).iter_rows()
    return [
        Bar(opened, closed, *row)
        for opened, closed, row in track(
            zip(times, closes, values, strict=True), total=len(times), description="reading", transient=True
        )
    ]


def trades_of(frame: pl.DataFrame) -> list[TradeRow]:
    """Return the trades of a frame; raises `Invalid` when it has no time."""
    side = next((name for name in ("aggressor", "side") if name in frame.columns), None)
    buys = [value == "buy" for value in frame[side]] if side else [True] * len(frame)
    prices, sizes = frame["price"].cast(pl.Float64), frame["size"].cast(pl.Float64)
    return [TradeRow(*row) for row in zip(_times(frame), prices, sizes, buys, strict=True)]


def write_rows(path: Path, rows: list[Row]) -> None:
    """Write times in microseconds UTC with values, as Parquet or CSV by the ending of the name."""
    frame = pl.DataFrame(rows, schema={"ts": pl.Int64, "value": pl.Float64}, orient="row")
    if path.suffix == ".parquet":
        frame.write_parquet(path)
    else:
        frame.write_csv(path)
