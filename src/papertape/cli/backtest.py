"""`papertape backtest` and `papertape replay`: the engine of the desk over recorded data or over a tape."""

from __future__ import annotations

import asyncio
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from papertape.app.backtest import open_input, run_backtest
from papertape.app.stores import find_session, open_history
from papertape.cli.strategy import read_definition
from papertape.errors import Invalid
from papertape.model.backtest import BacktestProgress, BacktestResult, BacktestTask
from papertape.model.session import PROFILES, StrategyVersion
from papertape.session.backtest import first_difference
from papertape.session.planning import check_capital
from papertape.strategy.library import builtin_names, builtin_text
from papertape.strategy.parse import parse_definition, version_of

_console = Console(highlight=False, soft_wrap=True)
_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_DataDir = Annotated[Path, typer.Option(envvar="PAPERTAPE_DATA_DIR", help="Folder that keeps everything.")]


def backtest(
    data: Annotated[
        str,
        typer.Option(
            help="Recording: Parquet or raw frames, a file or a folder; or session:ID or import:NAME of a data folder."
        ),
    ],
    strategy: Annotated[list[str], typer.Option(help="Definition file or built-in name; repeat for several.")],
    symbol: Annotated[list[str] | None, typer.Option(help="Instruments of the recording; all when not given.")] = None,
    capital: Annotated[str, typer.Option(help="Initial capital in the quote currency.")] = "10000",
    profile: Annotated[str, typer.Option(help="optimistic, standard or pessimistic.")] = "standard",
    warmup: Annotated[
        float | None,
        typer.Option(min=0, help="Seconds of the recording that only warm up: 60, or what the session warmed up on."),
    ] = None,
    data_dir: _DataDir = Path("~/.papertape"),
    as_json: _AsJson = False,
) -> None:
    """Run strategies over recorded market data and say what they would have done."""
    if profile not in PROFILES:
        raise Invalid(
            f"There is no profile {profile!r}; choose one of {', '.join(PROFILES)}.", code="run.profile", path="profile"
        )
    task = BacktestTask(
        data=data,
        strategies=tuple(_version(name) for name in strategy),
        symbols=tuple(symbol or ()),
        capital=_capital(capital),
        profile=PROFILES[profile].name,
        warmup_s=warmup,
    )
    _report(_run(task, data_dir.expanduser(), is_silent=as_json), as_json)


def _run(task: BacktestTask, data_dir: Path, *, is_silent: bool) -> BacktestResult:
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
    table = Table("", "", show_header=False)
    for name, value in msgspec.to_builtins(result).items():
        text = ", ".join(value) if isinstance(value, (list, tuple)) else str(value)
        table.add_row(name.replace("_", " "), text)
    _console.print(table)
