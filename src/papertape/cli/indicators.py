"""`papertape indicators`: the catalogue, and any indicator over a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import polars as pl
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from papertape.errors import Invalid
from papertape.indicators.bars import Bar
from papertape.indicators.catalogue import CATALOGUE, IndicatorKind
from papertape.indicators.compute import Row, TradeRow, compute_over_bars, compute_over_trades

app = typer.Typer(help="List indicators and compute them over files.", no_args_is_help=True, add_completion=False)

_console = Console(highlight=False, soft_wrap=True)
_TIME_COLUMNS = ("ts", "timestamp", "time", "date", "datetime", "open_time", "trade_ts_ms", "event_ts_ms")
_BAR_COLUMNS = frozenset({"open", "high", "low", "close", "volume"})
_TRADE_COLUMNS = frozenset({"price", "size"})


@app.command("list")
def list_indicators(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List every indicator with its meaning, parameters and unit; as JSON whole, its warm-up that of the defaults."""
    if as_json:
        typer.echo(msgspec.json.encode([_row(kind) for kind in CATALOGUE.values()]).decode())
        return
    table = Table("indicator", "meaning", "parameters", "unit")
    for kind in CATALOGUE.values():
        params = ", ".join(f"{param.name}={param.default:g}" for param in kind.params)
        table.add_row(kind.name, kind.meaning, params, kind.unit)
    _console.print(table)


def _row(kind: IndicatorKind) -> dict[str, object]:
    warmup = kind.make({param.name: param.default for param in kind.params}).warmup(0)
    said = {name: getattr(kind, name) for name in IndicatorKind.__struct_fields__ if name != "make"}
    return {**said, "warmup": {"need": warmup.need, "unit": warmup.unit}}


@app.command()
def compute(
    kind: Annotated[str, typer.Option(help="Indicator, for example rsi.")],
    input_file: Annotated[Path, typer.Option("--input", help="CSV or Parquet file of bars or trades.")],
    output: Annotated[Path, typer.Option(help="CSV or Parquet file to write.")],
    param: Annotated[list[str] | None, typer.Option(help="NAME=VALUE; repeat for several.")] = None,
) -> None:
    """Compute one indicator over a file of bars (open, high, low, close, volume) or trades (price, size)."""
    frame = _read(input_file)
    params = dict(_parse_param(text) for text in param or [])
    columns = set(frame.columns)
    if columns >= _BAR_COLUMNS:
        rows = compute_over_bars(kind, params, _bars(frame))
    elif columns >= _TRADE_COLUMNS:
        rows = compute_over_trades(kind, params, _trades(frame))
    else:
        raise Invalid(
            f"{input_file} has the columns {', '.join(frame.columns)}; expected a time and open, high, low, close, "
            "volume for bars, or price and size for trades.",
            code="indicators.columns",
        )
    _write(output, rows)
    _console.print(f"{len(rows):,} rows of {kind} written to {output}")


def _read(path: Path) -> pl.DataFrame:
    if not path.exists():
        raise Invalid(f"{path} does not exist; give a CSV or Parquet file.", code="indicators.no_file")
    frame = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, try_parse_dates=True)
    return frame.rename({name: name.strip().lower() for name in frame.columns})


def _parse_param(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name, float(value)
    except ValueError:
        raise Invalid(
            f"{text!r} is not a parameter; expected NAME=NUMBER, for example period=14.", code="indicators.param"
        ) from None


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


def _bars(frame: pl.DataFrame) -> list[Bar]:
    times = _times(frame)
    closes = [*times[1:], times[-1] + (times[-1] - times[-2] if len(times) > 1 else 60_000_000)]
    values = frame.select("open", "high", "low", "close", "volume").cast(pl.Float64).iter_rows()
    return [
        Bar(opened, closed, *row)
        for opened, closed, row in track(
            zip(times, closes, values, strict=True), total=len(times), description="reading", transient=True
        )
    ]


def _trades(frame: pl.DataFrame) -> list[TradeRow]:
    side = next((name for name in ("aggressor", "side") if name in frame.columns), None)
    buys = [value == "buy" for value in frame[side]] if side else [True] * len(frame)
    prices, sizes = frame["price"].cast(pl.Float64), frame["size"].cast(pl.Float64)
    return [TradeRow(*row) for row in zip(_times(frame), prices, sizes, buys, strict=True)]


def _write(path: Path, rows: list[Row]) -> None:
    frame = pl.DataFrame(rows, schema={"ts": pl.Int64, "value": pl.Float64}, orient="row")
    if path.suffix == ".parquet":
        frame.write_parquet(path)
    else:
        frame.write_csv(path)
