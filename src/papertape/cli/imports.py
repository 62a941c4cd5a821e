"""`papertape import`: market data from elsewhere into a folder that can be played, or a whole session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, get_args

import msgspec
import typer
from rich.console import Console

from papertape.cli.column_names import parse_columns
from papertape.errors import Invalid
from papertape.feeds.recorded.discover import Precision, make_instrument
from papertape.feeds.recorded.market_parquet import known_instrument
from papertape.model.instrument import Instrument, check_instrument_id
from papertape.model.market_file import MarketKind
from papertape.session.clock import wall_clock
from papertape.store.bundle_reading import import_bundle, open_bundle
from papertape.store.folder import open_folder
from papertape.store.foreign_rows import Foreign, ForeignFile, Unit
from papertape.store.market_import import Imported, import_rows, observed_decimals

app = typer.Typer(
    help="Take market data from a CSV or Parquet file, or a session from a bundle.",
    no_args_is_help=True,
    add_completion=False,
)

_console = Console(highlight=False, soft_wrap=True)
_File = Annotated[Path, typer.Argument(metavar="FILE", help="CSV (also .csv.gz) or Parquet.")]
_Instrument = Annotated[str, typer.Option(help="Whose rows: BTCUSDT-PERP.BINANCE, or BTCUSDT.BINANCE for spot.")]
_Out = Annotated[Path, typer.Option(help="Folder that the recorded feed and the backtest then read.")]
_PriceDecimals = Annotated[int | None, typer.Option(min=0, max=15, help="Of its prices; as seen when not given.")]
_SizeDecimals = Annotated[int | None, typer.Option(min=0, max=15, help="Of its sizes; as seen when not given.")]
_Columns = Annotated[list[str] | None, typer.Option("--column", help="OURS=THEIRS, such as ts=when; repeat.")]
_Unit = Annotated[str | None, typer.Option(help="Of its times: s, ms, us or ns; by their size when not given.")]
_Sort = Annotated[bool, typer.Option("--sort", help="Put rows in order of time instead of refusing them.")]
_Force = Annotated[bool, typer.Option("--force", help="Replace what an earlier import of this file made.")]
_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_DataDir = Annotated[Path, typer.Option(envvar="PAPERTAPE_DATA_DIR", help="Folder that keeps everything.")]


class _Options(msgspec.Struct, frozen=True, kw_only=True):
    instrument: str
    out: Path
    price_decimals: int | None
    size_decimals: int | None
    columns: list[str]
    unit: str | None
    is_sorting: bool
    is_forced: bool
    as_json: bool
    interval_s: int | None = None


def _command(kind: MarketKind) -> Callable[..., None]:
    def take(
        file: _File,
        instrument: _Instrument,
        out: _Out,
        price_decimals: _PriceDecimals = None,
        size_decimals: _SizeDecimals = None,
        column: _Columns = None,
        unit: _Unit = None,
        sort: _Sort = False,
        force: _Force = False,
        as_json: _AsJson = False,
    ) -> None:
        options = _Options(
            instrument=instrument, out=out.expanduser(), price_decimals=price_decimals, size_decimals=size_decimals,
            columns=column or [], unit=unit, is_sorting=sort, is_forced=force, as_json=as_json,
        )  # fmt: skip
        _import(file, kind, options)

    return take


app.command("trades", help="Take trades: time, price, size and side of the aggressor.")(_command("trades"))
app.command("quotes", help="Take quotes: time, best bid and ask with their sizes.")(_command("quotes"))


@app.command()
def bars(
    file: _File,
    instrument: _Instrument,
    out: _Out,
    interval: Annotated[int, typer.Option(min=1, help="Seconds a bar.")] = 60,
    price_decimals: _PriceDecimals = None,
    size_decimals: _SizeDecimals = None,
    column: _Columns = None,
    unit: _Unit = None,
    sort: _Sort = False,
    force: _Force = False,
    as_json: _AsJson = False,
) -> None:
    """Take closed bars; they warm indicators, and nothing fills on them."""
    options = _Options(
        instrument=instrument, out=out.expanduser(), price_decimals=price_decimals, size_decimals=size_decimals,
        columns=column or [], unit=unit, is_sorting=sort, is_forced=force, as_json=as_json, interval_s=interval,
    )  # fmt: skip
    _import(file, "bars", options)


@app.command()
def session(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Bundle made by `papertape export session`.")],
    data_dir: _DataDir = Path("~/.papertape"),
    as_json: _AsJson = False,
) -> None:
    """Take a whole session into a data folder on which no desk runs, to read and replay it there."""
    with open_bundle(file):  # what is no bundle makes no data folder
        folder = open_folder(data_dir)
    try:
        taken = import_bundle(file, folder, wall_clock)
    finally:
        folder.close()
    if as_json:
        typer.echo(msgspec.json.encode(taken).decode())
    elif taken.is_new:
        _console.print(
            f"Session {taken.session_id} is in {folder.path}: {taken.entries:,} entries and {taken.facts:,} facts."
        )
        _console.print(f"  Next: papertape replay {taken.session_id} --data-dir {data_dir}")
    else:
        _console.print(f"Session {taken.session_id} was already there with the same content; nothing was changed.")


def _import(file: Path, kind: MarketKind, options: _Options) -> None:
    name = check_instrument_id(options.instrument)
    foreign = ForeignFile(
        file,
        kind,
        name,
        columns=parse_columns(options.columns),
        unit=_unit(options.unit),
        is_sorting=options.is_sorting,
    ).read()
    instrument = _make(file, name, foreign, options)
    target = options.out / f"{name}-{kind}-{file.name.partition('.')[0]}.parquet"
    imported = import_rows(
        foreign, kind, instrument, target, interval_s=options.interval_s, is_forced=options.is_forced
    )
    if options.as_json:
        typer.echo(msgspec.json.encode(imported).decode())
    else:
        _report(imported, options.out)


def _make(file: Path, name: str, foreign: Foreign, options: _Options) -> Instrument:
    if known := known_instrument(file, name):  # an export of ours brings the venue's trading rules
        return known
    precision = Precision()
    seen = observed_decimals(foreign)
    precision.price = seen[0] if options.price_decimals is None else options.price_decimals
    precision.size = seen[1] if options.size_decimals is None else options.size_decimals
    symbol, _, venue = name.partition(".")
    return make_instrument(
        "usdm" if symbol.endswith("-PERP") else "spot", symbol.removesuffix("-PERP"), precision, venue
    )


def _report(imported: Imported, out: Path) -> None:
    _console.print(
        f"{imported.file}: {imported.rows:,} {imported.kind} of {imported.instrument}, prices with "
        f"{imported.price_decimals} and sizes with {imported.size_decimals} decimals."
    )
    if imported.dropped:
        _console.print(f"  {imported.dropped:,} rows stood twice and were taken once.")
    if imported.kind == "bars":
        _console.print(
            "  Bars warm indicators; nothing fills on them: import trades or quotes into the folder as well."
        )
    else:
        _console.print(
            f"  Next: papertape backtest --data {out} --strategy NAME, or papertape run --feed recorded:{out}"
        )


def _unit(text: str | None) -> Unit | None:
    known: tuple[Unit, ...] = get_args(Unit)
    for unit in known:
        if text == unit:
            return unit
    if text is not None:
        raise Invalid(f"There is no unit {text!r}; choose one of {', '.join(known)}.", code="import.unit", path="unit")
    return None
