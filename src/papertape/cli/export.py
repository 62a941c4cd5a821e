"""`papertape export`: what a session left, as CSV, Parquet or a bundle that another machine can replay."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from papertape.app.stores import find_session, open_history
from papertape.cli.amounts import counted, sized
from papertape.store.bundle import export_bundle
from papertape.store.market_files import EXPORTS, Wanted, export_rows
from papertape.store.sheet import format_of

app = typer.Typer(
    help="Write what a session left to a CSV or Parquet file, or a whole session to a bundle. "
    "A desk may be running on the data folder.",
    no_args_is_help=True,
    add_completion=False,
)

_console = Console(highlight=False, soft_wrap=True)
_Session = Annotated[str, typer.Argument(metavar="SESSION", help="Id of the session.")]
_File = Annotated[Path, typer.Argument(metavar="FILE", help="File to make; its ending says the format.")]
_DataDir = Annotated[Path, typer.Option(envvar="PAPERTAPE_DATA_DIR", help="Folder that keeps everything.")]
_Instruments = Annotated[list[str] | None, typer.Option("--instrument", help="Only this one; repeat for several.")]
_Interval = Annotated[int, typer.Option(help="Seconds a bar.")]
_Format = Annotated[str | None, typer.Option("--format", help="csv or parquet, where the ending does not say.")]
_Force = Annotated[bool, typer.Option("--force", help="Replace the file when there is one.")]
_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_HOME = Path("~/.papertape")


def _command(name: str) -> Callable[..., None]:
    def export(
        session_id: _Session,
        file: _File,
        instrument: _Instruments = None,
        file_format: _Format = None,
        data_dir: _DataDir = _HOME,
        force: _Force = False,
        as_json: _AsJson = False,
    ) -> None:
        wanted = Wanted(table=EXPORTS[name], instruments=tuple(instrument or ()))
        _export(session_id, file, wanted, file_format, data_dir, force, as_json)

    return export


for _name in EXPORTS:
    if _name != "bars":
        app.command(_name, help=f"Write the {_name.replace('-', ' ')} of a session.")(_command(_name))


@app.command()
def bars(
    session_id: _Session,
    file: _File,
    interval: _Interval = 60,
    instrument: _Instruments = None,
    file_format: _Format = None,
    data_dir: _DataDir = _HOME,
    force: _Force = False,
    as_json: _AsJson = False,
) -> None:
    """Write bars built from the trades of a session; seconds without a trade make none."""
    wanted = Wanted(table=EXPORTS["bars"], instruments=tuple(instrument or ()), interval_s=interval)
    _export(session_id, file, wanted, file_format, data_dir, force, as_json)


@app.command("session")
def session(
    session_id: _Session,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Bundle to make, such as mine.papertape.")],
    data_dir: _DataDir = _HOME,
    force: _Force = False,
    as_json: _AsJson = False,
) -> None:
    """Write a whole session to one file that `papertape import session` takes on another machine."""
    with open_history(data_dir.expanduser()) as history, _progress("entries", as_json) as show:
        row = find_session(history, session_id, data_dir)
        bundled = export_bundle(history, row, file, is_forced=force, on_entries=show)
    if as_json:
        typer.echo(msgspec.json.encode(bundled).decode())
        return
    _console.print(
        f"{bundled.file}: session {bundled.session_id} with {bundled.entries:,} entries and {bundled.facts:,} facts, "
        f"{sized(bundled.size)}."
    )
    _console.print(f"  Elsewhere: papertape import session {file.name}, then papertape replay {bundled.session_id}")


def _export(
    session_id: str, file: Path, wanted: Wanted, file_format: str | None, data_dir: Path, force: bool, as_json: bool
) -> None:
    kind = format_of(file, file_format)
    with open_history(data_dir.expanduser()) as history, _progress("rows", as_json) as show:
        row = find_session(history, session_id, data_dir)
        exported = export_rows(history, row, wanted, file, kind=kind, is_forced=force, on_rows=show)
    if as_json:
        typer.echo(msgspec.json.encode(exported).decode())
        return
    _console.print(f"{exported.file}: {exported.rows:,} {exported.kind}, {sized(exported.size)}.")
    if exported.unfinished_bars:
        _console.print(f"  Left out: {counted(exported.unfinished_bars, 'bar')} that had not ended.")


@contextmanager
def _progress(what: str, is_quiet: bool) -> Iterator[Callable[[int], None]]:
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=Console(stderr=True),
        disable=is_quiet, transient=True,
    ) as progress:  # fmt: skip
        task = progress.add_task("reading the session")
        yield lambda count: progress.update(task, description=f"{count:,} {what}")
