"""`papertape store`: look at, check, migrate, back up, restore and mend what a desk keeps."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Column, Table

from papertape.app import storage_commands
from papertape.app.settings import parse_store
from papertape.app.storage_commands import MirrorInspection
from papertape.cli.amounts import counted, sized
from papertape.errors import Invalid
from papertape.session.clock import wall_clock
from papertape.store.backup import write_backup
from papertape.store.inspection import JournalInspection
from papertape.store.questdb.address import QuestAddress
from papertape.store.restore import restore_backup

app = typer.Typer(
    help="Look at, check, migrate, back up and restore what a desk keeps.", no_args_is_help=True, add_completion=False
)

_console = Console(highlight=False, soft_wrap=True, markup=False)
_DEFAULT_DIR = Path("~/.papertape")
_DataDir = Annotated[Path, typer.Option(envvar="PAPERTAPE_DATA_DIR", help="Folder that keeps everything.")]
_Store = Annotated[
    str,
    typer.Option(
        envvar="PAPERTAPE_STORE", help="The copy in a QuestDB, when there is one: questdb://USER:PASSWORD@HOST:9000."
    ),
]
_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def status(data_dir: _DataDir = _DEFAULT_DIR, store: _Store = "sqlite", as_json: _AsJson = False) -> None:
    """Show what is kept, how much, and how far the copy is; also beside a running desk."""
    found = storage_commands.inspect_storage(data_dir.expanduser(), parse_store(store))
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
        return
    _show_journal(found.journal)
    if found.mirror is not None:
        _show_mirror(found.mirror)


@app.command()
def verify(
    data_dir: _DataDir = _DEFAULT_DIR,
    store: _Store = "sqlite",
    deep: Annotated[
        bool, typer.Option("--deep", help="Also read every page, every batch and every sealed file.")
    ] = False,
    as_json: _AsJson = False,
) -> None:
    """Say what is wrong, one sentence each, and change nothing; the exit status is 1 when something is."""
    faults = storage_commands.find_faults(data_dir.expanduser(), parse_store(store), is_deep=deep)
    if as_json:
        typer.echo(msgspec.json.encode(faults).decode())
    else:
        looked = "everything was read and fits" if deep else "the tables fit this version of papertape"
        _say(*(faults or [f"All is well: {looked}."]))
    if faults:
        raise typer.Exit(1)


@app.command()
def migrate(data_dir: _DataDir = _DEFAULT_DIR, store: _Store = "sqlite") -> None:
    """Bring everything to this version of papertape, after a copy; no desk may be running."""
    done = storage_commands.migrate_storage(data_dir.expanduser(), parse_store(store))
    said = []
    if done.folder_copy is not None:
        said.append(f"The data folder was upgraded; it was copied to {done.folder_copy} before.")
    if done.journal is not None:
        said += [done.journal.sentence, *(f"  {statement};" for statement in done.journal.statements)]
    said += [f"On the QuestDB was run: {statement}" for statement in done.mirror]
    _say(*(said or ["Nothing had to be changed."]))


@app.command()
def backup(
    file: Annotated[
        Path | None, typer.Argument(help="Where it goes; a dated name in this folder when not given.")
    ] = None,
    data_dir: _DataDir = _DEFAULT_DIR,
) -> None:
    """Write everything into one file, also beside a running desk."""
    now = wall_clock()
    target = file or Path(f"papertape-{datetime.fromtimestamp(now / 1e6, UTC):%Y%m%d-%H%M%S}.tar.zst")
    manifest = write_backup(data_dir, target, now)
    kept = sum(packed.size for packed in manifest.files)
    packed_into = sized(target.stat().st_size)
    _say(f"{target} holds {counted(len(manifest.files), 'file')}, {sized(kept)}, packed into {packed_into}.")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A backup written by `papertape store backup`.")],
    data_dir: _DataDir = _DEFAULT_DIR,
) -> None:
    """Put a backup in the place of what is there, which is moved aside; no desk may be running."""
    restored = restore_backup(file, data_dir)
    _say(f"{data_dir} is as it was at {_time(restored.manifest.created_ts)}.")
    if restored.aside is not None:
        _say(f"What was there before lies in {restored.aside}; remove it when you no longer need it.")


@app.command()
def resume(store: _Store = "sqlite") -> None:
    """Let the QuestDB go on with the tables it has suspended."""
    resumed = storage_commands.resume_mirror(_address(store))
    _say(f"Resumed: {', '.join(resumed)}." if resumed else "No table is suspended.")


@app.command()
def seal(data_dir: _DataDir = _DEFAULT_DIR) -> None:
    """Move what is due of the tape into sealed files now; no desk may be running."""
    report = storage_commands.seal_tape(data_dir.expanduser())
    _say(
        f"Files: {len(report.sealed)} sealed, {len(report.merged)} merged, {len(report.removed)} removed.",
        *report.failures,
    )
    if report.failures:
        raise typer.Exit(1)


@app.command()
def fill(store: _Store = "sqlite", data_dir: _DataDir = _DEFAULT_DIR) -> None:
    """Let the next start of the desk send everything to the QuestDB again; no row becomes double by it."""
    address = _address(store)
    storage_commands.fill_mirror(data_dir.expanduser(), address)
    _say(f"Everything is sent to {address.location} again from the next `papertape run` with this --store on.")


def _address(store: str) -> QuestAddress:
    address = parse_store(store)
    if address is None:
        raise Invalid(
            "There is no QuestDB to speak to; give its address with --store questdb://USER:PASSWORD@HOST:9000.",
            code="store.no_mirror",
            path="store",
        )
    return address


def _show_journal(journal: JournalInspection) -> None:
    sessions = ", ".join(f"{number} {state}" for state, number in journal.sessions.items()) or "none"
    removed = f", {journal.segments_removed} removed by retention" if journal.segments_removed else ""
    _say(
        f"journal   {journal.location}, data folder version {journal.folder_version or 'unknown'}",
        f"  size    {sized(journal.size)}, of it free {sized(journal.free_bytes)}; log {sized(journal.log_size)}",
        f"  sealed  {journal.segments} files, {sized(journal.segment_bytes)}{removed}",
        f"  tape    {journal.entries:,} entries",
        f"  time    {_time(journal.oldest_ts)} to {_time(journal.newest_ts)}",
        f"  sessions {sessions}",
        *(f"  look    {difference}" for difference in journal.differences),
    )
    table = Table("table", Column("rows", justify="right"))
    for name, rows in journal.rows.items():
        table.add_row(name, f"{rows:,}")
    _console.print(table)


def _show_mirror(mirror: MirrorInspection) -> None:
    waiting = ", ".join(f"{rows:,} of {source}" for source, rows in mirror.waiting.items() if rows) or "none"
    _say(
        f"copy      {mirror.location}, " + (f"QuestDB {mirror.version}" if mirror.fault is None else mirror.fault),
        f"  waiting {waiting}",
    )
    if not mirror.tables:
        return
    table = Table("table", *(Column(name, justify="right") for name in ("rows", "not applied", "size")), "state")
    for each in mirror.tables:
        state = f"suspended: {each.error or 'QuestDB does not say why'}" if each.is_suspended else "well"
        table.add_row(each.table, f"{each.rows:,}", f"{each.unapplied:,}", sized(each.disk_bytes), state)
    _console.print(table)
    if any(each.is_suspended for each in mirror.tables):
        _say("`papertape store resume` lets the suspended tables go on.")


def _say(*lines: str) -> None:
    for line in lines:
        _console.print(line)


def _time(ts: int | None) -> str:
    return "nothing yet" if ts is None else f"{datetime.fromtimestamp(ts / 1e6, UTC):%Y-%m-%d %H:%M:%S} UTC"
