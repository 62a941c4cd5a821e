"""`papertape backtest` and `papertape replay`: the engine of the desk over recorded data or over a tape."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from papertape.app.stores import open_history
from papertape.cli.sessions_at_hand import find_session
from papertape.cli.strategy import read_definition
from papertape.errors import Invalid
from papertape.feeds.recorded.session_tape import TapeRecording
from papertape.feeds.recorded.source import RecordedSource
from papertape.model.session import PROFILES, SessionPlan, StrategyVersion
from papertape.session.backtest import Backtest, BacktestSummary, first_difference
from papertape.session.clock import wall_clock
from papertape.session.feeds import Feeds
from papertape.session.planning import check_capital, common_currency
from papertape.strategy.library import builtin_names, builtin_text
from papertape.strategy.parse import parse_definition, version_of

_console = Console(highlight=False, soft_wrap=True)
_SESSION = "session:"
_WARMUP_S = 60.0
_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_DataDir = Annotated[Path, typer.Option(envvar="PAPERTAPE_DATA_DIR", help="Folder that keeps everything.")]


def backtest(
    data: Annotated[
        str, typer.Option(help="Recording: Parquet or raw frames, a file or a folder; or session:ID of a data folder.")
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
    with _source(data, warmup, data_dir) as source:
        _backtest(source, strategy, symbol, capital, profile, as_json)


@contextmanager
def _source(data: str, warmup: float | None, data_dir: Path) -> Iterator[RecordedSource]:
    if not data.startswith(_SESSION):
        yield RecordedSource(data, math.inf, wall_clock, warmup_s=_WARMUP_S if warmup is None else warmup)
        return
    with open_history(data_dir.expanduser()) as history:
        row = find_session(history, data.removeprefix(_SESSION), data_dir)
        tape = TapeRecording(row.plan.instruments, lambda: history.batches(row.session_id))
        warmed = tape.warmup_s() if warmup is None else warmup
        yield RecordedSource(
            data, math.inf, wall_clock, warmup_s=_WARMUP_S if warmed is None else warmed, recording=tape
        )


def _backtest(
    source: RecordedSource, strategy: list[str], symbol: list[str] | None, capital: str, profile: str, as_json: bool
) -> None:
    plan = asyncio.run(_plan(source, strategy, symbol or [], capital, profile))
    started = time.perf_counter()
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=Console(stderr=True),
        disable=as_json,
    ) as progress:  # fmt: skip
        task = progress.add_task("reading the recording")

        def show(entries: int) -> None:
            progress.update(task, description=f"{entries:,} entries")

        summary = asyncio.run(Backtest(plan).run(source, show))
    _report(summary, time.perf_counter() - started, as_json)


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


async def _plan(
    source: RecordedSource, strategies: list[str], symbols: list[str], capital: str, profile: str
) -> SessionPlan:
    feeds = Feeds({source.name: source}, source.name)
    offered = await feeds.instruments(None)
    instruments = await feeds.resolve(None, symbols or [item.id for item in offered])
    if profile not in PROFILES:
        raise Invalid(
            f"There is no profile {profile!r}; choose one of {', '.join(PROFILES)}.", code="run.profile", path="profile"
        )
    return SessionPlan(
        mode="BACKTEST",
        strategies=tuple(_version(name) for name in strategies),
        instruments=instruments,
        capital=_capital(capital),
        currency=common_currency(instruments),
        profile=PROFILES[profile],
    )


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


def _report(summary: BacktestSummary, seconds: float, as_json: bool) -> None:
    if as_json:
        result = {**msgspec.to_builtins(summary), "seconds": round(seconds, 3),
                  "entries_per_s": round(summary.entries / seconds)}  # fmt: skip
        typer.echo(msgspec.json.encode(result).decode())
        return
    table = Table("", "", show_header=False)
    for name, value in msgspec.to_builtins(summary).items():
        text = ", ".join(value) if isinstance(value, (list, tuple)) else str(value)
        table.add_row(name.replace("_", " "), text)
    table.add_row("speed", f"{summary.entries / seconds:,.0f} entries/s")
    _console.print(table)
