"""`papertape doctor`: look over everything a desk needs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from papertape.app.doctor import examine
from papertape.app.process_list import hide_password
from papertape.app.settings import Settings, parse_store, parse_venue_urls

_console = Console(highlight=False, soft_wrap=True)


def doctor(
    data_dir: Annotated[Path, typer.Option(envvar="PAPERTAPE_DATA_DIR", help="Folder that keeps everything.")] = Path(
        "~/.papertape"
    ),
    host: Annotated[str, typer.Option(envvar="PAPERTAPE_HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="PAPERTAPE_PORT", help="Port to listen on.")] = 8420,
    store: Annotated[
        str,
        typer.Option(
            envvar="PAPERTAPE_STORE",
            show_default="sqlite",
            help="The store the desk is started with; a questdb://… is looked at too.",
        ),
    ] = "sqlite",
    venue_url: Annotated[list[str] | None, typer.Option(help="Another address of a venue.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check Python, the dashboard, the port, the data folder, the store, its copy in QuestDB and the exchange."""
    hide_password(store)
    settings = Settings(
        host=host,
        port=port,
        data_dir=data_dir.expanduser(),
        mirror=parse_store(store),
        venue_urls=parse_venue_urls(venue_url or []),
    )
    findings = asyncio.run(examine(settings))
    if as_json:
        typer.echo(msgspec.json.encode(findings).decode())
    else:
        for finding in findings:
            mark = "[green]well[/]  " if finding.is_well else "[yellow]look[/]  "
            _console.print(f"{mark}{finding.name}: {finding.detail}")
    if not all(finding.is_well for finding in findings if finding.name != "live exchange"):
        raise typer.Exit(1)
