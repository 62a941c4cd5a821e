"""`papertape backtest` and `papertape replay`: the engine of the desk over files, recorded data or a tape."""

from __future__ import annotations

import asyncio
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from papertape.app.backtest_columns import FilesTask, run_files
from papertape.app.backtest_files import FilesAsked
from papertape.cli.backtest_report import files_json, print_files, print_summary, shown_progress
from papertape.cli.column_names import parse_columns
from papertape.cli.moments import parse_moment
from papertape.cli.strategy import read_definition
from papertape.errors import Invalid
from papertape.model.backtest import BacktestProgress, BacktestResult, BacktestTask, ProfileName
from papertape.model.session import PROFILES, StrategyVersion
from papertape.session.planning import check_capital
from papertape.strategy.library import builtin_names, builtin_text
from papertape.strategy.parse import parse_definition, version_of

_console = Console(highlight=False, soft_wrap=True)
_WARMUP_S = 60.0
_Strategies = Annotated[
    list[str] | None, typer.Argument(metavar="STRATEGY", help="Definition files or built-in names.", show_default=False)
]
_Recording = Annotated[
    str | None,
    typer.Option(
        help="Recording: Parquet or raw frames, a file or a folder; or session:ID or import:NAME of a data folder."
    ),
]
_Warmup = Annotated[
    float | None,
    typer.Option(min=0, help="Seconds that only warm up: 60, or what the recorded session warmed up on."),
]
_Trades = Annotated[
    list[str] | None, typer.Option(help="Trades: a CSV or Parquet file, a folder, or a pattern in quotes; repeat.")
]
_Quotes = Annotated[list[str] | None, typer.Option(help="Best bid and ask with sizes, as --trades.")]
_Bars = Annotated[list[str] | None, typer.Option(help="Closed bars to warm indicators, as --trades.")]
_Symbols = Annotated[
    list[str] | None,
    typer.Option(metavar="ID[=FILE]", help="Whose market, such as BTCUSDT-PERP.BINANCE=btc.parquet; all of --data."),
]
_Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="PATH=VALUE,…", help="Values to try, such as indicators.fast.params.period=10,20; repeat."
    ),
]
_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_DataDir = Annotated[Path, typer.Option(envvar="PAPERTAPE_DATA_DIR", help="Folder that keeps everything.")]


def backtest(
    strategies: _Strategies = None,
    data: _Recording = None,
    trades: _Trades = None,
    quotes: _Quotes = None,
    bars: _Bars = None,
    strategy: Annotated[list[str] | None, typer.Option(help="A strategy, as STRATEGY; repeat for several.")] = None,
    symbol: _Symbols = None,
    capital: Annotated[str, typer.Option(help="Initial capital in the quote currency.")] = "10000",
    profile: Annotated[str, typer.Option(help="optimistic, standard or pessimistic.")] = "standard",
    warmup: _Warmup = None,
    each: Annotated[bool, typer.Option("--each", help="An account for each strategy and symbol.")] = False,
    sets: _Sets = None,
    jobs: Annotated[int, typer.Option(help="Processes that share the runs of --set and --each.")] = 1,
    start: Annotated[str | None, typer.Option("--from", help="Trade from this time on, UTC: 2024-08-09T12:00.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Stop before this time, UTC.")] = None,
    column: Annotated[list[str] | None, typer.Option(help="OURS=THEIRS, such as ts=when; repeat.")] = None,
    unit: Annotated[str | None, typer.Option(help="Of the files' times: s, ms, us, ns; else by their size.")] = None,
    interval: Annotated[int | None, typer.Option(min=1, help="Seconds a bar; as seen when not given.")] = None,
    facts: Annotated[Path | None, typer.Option(help="File for every fact, canonical JSON lines.")] = None,
    cache: Annotated[bool, typer.Option(help="Keep the columns of files in the data folder for the next run.")] = True,
    data_dir: _DataDir = Path("~/.papertape"),
    as_json: _AsJson = False,
) -> None:
    """Run strategies over files of trades, quotes and bars, or over a recording, and say what they would have done."""
    given = {"trades": trades, "quotes": quotes, "bars": bars, "each": each, "set": sets, "from": start, "to": end,
             "column": column, "unit": unit, "interval": interval, "facts": facts}  # fmt: skip
    versions = _versions([*(strategies or []), *(strategy or [])])
    chosen = _profile(profile)
    symbols = tuple(symbol or ())
    if data is not None:
        _refuse_beside_data([name for name, value in given.items() if value])
        recorded = BacktestTask(data=data, strategies=versions, symbols=symbols, capital=_capital(capital),
                                profile=chosen, warmup_s=warmup)  # fmt: skip
        _report(_run(recorded, data_dir.expanduser(), is_silent=as_json), as_json)
        return
    asked = FilesAsked(trades=tuple(trades or ()), quotes=tuple(quotes or ()), bars=tuple(bars or ()), symbols=symbols,
                       columns=parse_columns(column or []), unit=unit, interval_s=interval)  # fmt: skip
    task = FilesTask(
        strategies=versions, asked=asked, sets=tuple(sets or ()), capital=_capital(capital), profile=chosen,
        warmup_s=_WARMUP_S if warmup is None else warmup, start_ts=parse_moment(start, "from"),
        end_ts=parse_moment(end, "to"), is_each=each, jobs=jobs,
        facts=None if facts is None else str(facts.expanduser()), is_caching=cache,
    )  # fmt: skip
    _run_over_files(task, data_dir.expanduser(), as_json)


def _versions(names: list[str]) -> tuple[StrategyVersion, ...]:
    if not names:
        raise Invalid(
            f"No strategy was given; name a definition file or one of {', '.join(builtin_names())}.",
            code="backtest.no_strategy",
            path="strategy",
        )
    return tuple(_version(name) for name in names)


def _profile(name: str) -> ProfileName:
    if name not in PROFILES:
        raise Invalid(
            f"There is no profile {name!r}; choose one of {', '.join(PROFILES)}.", code="run.profile", path="profile"
        )
    return PROFILES[name].name


def _refuse_beside_data(options: list[str]) -> None:
    if options:
        raise Invalid(
            f"--{options[0]} is of a backtest over files and does nothing with --data; leave one of them out.",
            code="backtest.options",
            path=options[0],
        )


def _run_over_files(task: FilesTask, data_dir: Path, as_json: bool) -> None:
    asked = task.asked
    if not (asked.trades or asked.quotes or asked.bars or any("=" in each for each in asked.symbols)):
        raise Invalid(
            "No market data was given; give --trades, --quotes or --bars with files, or --data with a recording.",
            code="backtest.no_files",
            path="trades",
        )
    with shown_progress(is_silent=as_json) as progress:
        result = run_files(task, data_dir, on_read=progress.read, on_total=progress.begin, on_progress=progress.done)
    if as_json:
        typer.echo(files_json(result))
    else:
        print_files(result, _console)


def _run(task: BacktestTask, data_dir: Path, *, is_silent: bool) -> BacktestResult:
    from papertape.app.backtest import open_input, run_backtest  # a run over kept columns does not wait for Polars

    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=Console(stderr=True),
        disable=is_silent,
    ) as progress:  # fmt: skip
        shown = progress.add_task("reading the recording")

        def show(done: BacktestProgress) -> None:
            of_all = "" if done.total is None else f" of {done.total:,}"
            progress.update(shown, description=f"{done.done:,}{of_all} entries")

        with open_input(task.data, task.warmup_s, data_dir) as source:
            return asyncio.run(run_backtest(source, task, show))


def replay(
    session_id: Annotated[str, typer.Argument(help="Session whose tape is stepped through again.")],
    data_dir: _DataDir = Path("~/.papertape"),
    as_json: _AsJson = False,
) -> None:
    """Replay a session's tape and compare every fact, byte for byte, with what was stored."""
    from papertape.app.stores import find_session, open_history
    from papertape.session.backtest import first_difference

    with open_history(data_dir.expanduser()) as history:
        row = find_session(history, session_id, data_dir)
        difference = first_difference(row, history)
        facts = history.last_event_seq(session_id)
    if as_json:
        typer.echo(msgspec.json.encode({"session_id": session_id, "facts": facts, "difference": difference}).decode())
    elif difference is None:
        _console.print(f"[green]identical[/]: {facts:,} facts of {session_id} are the same byte for byte.")
    else:
        _console.print(f"[red]different[/] from fact {difference.seq} on.")
        _console.print(f"  stored    {difference.stored}")
        _console.print(f"  replayed  {difference.replayed}")
    if difference is not None:
        raise typer.Exit(1)


def _capital(text: str) -> Decimal:
    try:
        capital = Decimal(text)
    except InvalidOperation:
        capital = Decimal("NaN")
    check_capital(capital)
    return capital


def _version(name: str) -> StrategyVersion:
    text = builtin_text(name) if name in builtin_names() else read_definition(Path(name))
    return version_of(parse_definition(text))


def _report(result: BacktestResult, as_json: bool) -> None:
    if as_json:
        typer.echo(msgspec.json.encode(result).decode())
        return
    print_summary(msgspec.to_builtins(result), _console)
