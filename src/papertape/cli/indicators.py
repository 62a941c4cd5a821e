"""`papertape indicators`: the catalogue, and any indicator over a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from papertape.errors import Invalid
from papertape.indicators.catalogue import CATALOGUE, IndicatorKind
from papertape.indicators.compute import compute_over_bars, compute_over_trades

app = typer.Typer(help="List indicators and compute them over files.", no_args_is_help=True, add_completion=False)

_console = Console(highlight=False, soft_wrap=True)


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
    from papertape.cli import indicator_files as files  # Polars is not waited for where nothing is read

    frame = files.read_frame(input_file)
    params = dict(_parse_param(text) for text in param or [])
    if files.has_bars(frame):
        rows = compute_over_bars(kind, params, files.bars_of(frame))
    elif files.has_trades(frame):
        rows = compute_over_trades(kind, params, files.trades_of(frame))
    else:
        raise Invalid(
            f"{input_file} has the columns {', '.join(frame.columns)}; expected a time and open, high, low, close, "
            "volume for bars, or price and size for trades.",
            code="indicators.columns",
        )
    files.write_rows(output, rows)
    _console.print(f"{len(rows):,} rows of {kind} written to {output}")


def _parse_param(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name, float(value)
    except ValueError:
        raise Invalid(
            f"{text!r} is not a parameter; expected NAME=NUMBER, for example period=14.", code="indicators.param"
        ) from None
