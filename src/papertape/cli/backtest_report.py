"""How a backtest shows itself: a bar while it runs, and a table in the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

import msgspec
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from papertape.app.backtest_columns import FilesResult
from papertape.app.backtest_run import BacktestRun
from papertape.cli.amounts import counted

_OWN = frozenset({"name", "values", "events", "events_per_s"})


class FilesProgress:
    """What the bar is told; it is silent where nobody sees it."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._shown = progress.add_task("reading the files", total=None)

    def read(self, rows: int) -> None:
        """Show how many rows were read of a file."""
        self._progress.update(self._shown, completed=rows)

    def begin(self, total: int) -> None:
        """Show that the runs begin, and how many rows they take."""
        self._progress.reset(self._shown, total=total, description="running")

    def done(self, rows: int) -> None:
        """Show how many rows are done."""
        self._progress.update(self._shown, completed=rows)


class _Speed(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f} events/s")


@contextmanager
def shown_progress(*, is_silent: bool) -> Iterator[FilesProgress]:
    """Show a bar on standard error while the block runs, unless it is no terminal or `is_silent`."""
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Speed(),
        TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True, disable=is_silent or not console.is_terminal) as progress:
        yield FilesProgress(progress)


def files_json(result: FilesResult) -> str:
    """Return the result as JSON: one run with its data and engine beside it, several in a list."""
    plain = msgspec.to_builtins(result)
    if len(result.runs) == 1:
        plain = {**plain["runs"][0], "data": plain["data"], "engine": plain["engine"]}
    return msgspec.json.encode(plain).decode()


def print_files(result: FilesResult, console: Console) -> None:
    """Print what a backtest over files came to."""
    data, engine = result.data, result.engine
    for note in data.notes:
        console.print(f"note: {note}", style="yellow", markup=False)
    if len(result.runs) == 1:
        run = result.runs[0]
        print_summary({name: value for name, value in msgspec.to_builtins(run).items() if name not in _OWN}, console)
    else:
        console.print(_runs_table(result))
    rows = ", ".join(
        f"{count:,} {kind}" for kind, count in (("trades", data.trades), ("quotes", data.quotes), ("bars", data.bars))
        if count
    )  # fmt: skip
    whose, kept = counted(len(data.instruments), "instrument"), " (kept from before)" if data.is_cached else ""
    console.print(f"{rows} of {whose}, {_moment(data.first_ts)} to {_moment(data.last_ts)}; orders met {data.grade}")
    console.print(f"content {data.sha256[:16]}{kept}")
    console.print(
        f"{engine.events:,} events in {engine.seconds:g} s: {engine.events_per_s:,} events/s, "
        f"{counted(engine.jobs, 'job')}, kernel {engine.kernel}"
    )


def print_summary(result: Mapping[str, object], console: Console) -> None:
    """Print a result as plain values, a field a line."""
    table = Table("", "", show_header=False)
    for name, value in result.items():
        text = ", ".join(value) if isinstance(value, (list, tuple)) else str(value)
        table.add_row(name.replace("_", " "), text)
    console.print(table)


def _runs_table(result: FilesResult) -> Table:
    table = Table("run", title=f"{len(result.runs)} runs")
    for heading in ("fills", "round trips", "winners", "fees", "realized P&L", "final equity", "max drawdown %"):
        table.add_column(heading, justify="right")
    for run in result.runs:
        label = Text(_label(run, result), overflow="fold")
        money = (f"{each:,.2f}" for each in (run.fees, run.realized_pnl, run.final_equity, run.max_drawdown_pct))
        table.add_row(label, f"{run.fills:,}", f"{run.round_trips:,}", f"{run.winners:,}", *money)
    return table


def _label(run: BacktestRun, result: FilesResult) -> str:
    owners = {(each.strategies, each.instruments) for each in result.runs}
    said = [f"{', '.join(run.strategies)} on {', '.join(run.instruments)}"] if len(owners) > 1 else []
    said += [f"{path.replace('indicators.', '').replace('.params', '')}={value}" for path, value in run.values.items()]
    return "\n".join(said)


def _moment(ts: int) -> str:
    return datetime.fromtimestamp(ts / 1e6, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")
