"""`papertape run`: start the desk and serve its dashboard."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from papertape.app.process_list import hide_password
from papertape.app.serve import Started, serve_desk
from papertape.app.settings import Settings, check_settings, parse_public_urls, parse_store, parse_venue_urls
from papertape.cli.config import load_config

_KeepDays = Annotated[
    float | None, typer.Option(envvar="PAPERTAPE_KEEP_DAYS", help="Remove market data older than this.")
]
_MemoryLimit = Annotated[
    float | None,
    typer.Option(
        envvar="PAPERTAPE_MEMORY_LIMIT",
        metavar="MB",
        help="Near this much memory: no new connections, then slower values, then fewer connections.",
    ),
]
_console = Console(highlight=False, soft_wrap=True)


def run(
    context: typer.Context,  # noqa: ARG001  the config option's callback needs it declared
    host: Annotated[str, typer.Option(envvar="PAPERTAPE_HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="PAPERTAPE_PORT", help="Port to listen on; 0 takes a free one.")] = 8420,
    public_url: Annotated[
        list[str] | None,
        typer.Option(envvar="PAPERTAPE_PUBLIC_URL", help="Address under which a proxy shows the desk: https://NAME."),
    ] = None,
    data_dir: Annotated[Path, typer.Option(envvar="PAPERTAPE_DATA_DIR", help="Folder that keeps everything.")] = Path(
        "~/.papertape"
    ),
    feed: Annotated[
        str, typer.Option(envvar="PAPERTAPE_FEED", help="auto, simulated, binance or recorded:PATH.")
    ] = "auto",
    venue_url: Annotated[
        list[str] | None,
        typer.Option(envvar="PAPERTAPE_VENUE_URL", help="Another address of a venue: binance=ws://…,http://…"),
    ] = None,
    store: Annotated[
        str,
        typer.Option(
            envvar="PAPERTAPE_STORE",
            show_default="sqlite",
            help="sqlite, or questdb://USER:PASSWORD@HOST:9000?pg=8812 for a copy in QuestDB beside it.",
        ),
    ] = "sqlite",
    keep_days: _KeepDays = None,
    keep_gb: Annotated[
        float | None, typer.Option(envvar="PAPERTAPE_KEEP_GB", help="Remove the oldest market data beyond this.")
    ] = None,
    memory_limit: _MemoryLimit = None,
    demo: Annotated[
        bool,
        typer.Option("--demo/--no-demo", envvar="PAPERTAPE_DEMO", help="Open a paper session when none is live."),
    ] = True,
    recorded_speed: Annotated[float, typer.Option(min=0.01, help="Speed of a recorded feed; 1 is real time.")] = 1.0,
    recorded_warmup: Annotated[float, typer.Option(min=1, help="Seconds of a recording that only warm up.")] = 60.0,
    config: Annotated[  # noqa: ARG001  its callback has already taken effect
        Path | None,
        typer.Option(callback=load_config, is_eager=True, envvar="PAPERTAPE_CONFIG", help="TOML file with defaults."),
    ] = None,
) -> None:
    """Start the desk: sessions go on where they were, and the dashboard is served."""
    hide_password(store)
    settings = Settings(
        host=host,
        port=port,
        public_urls=parse_public_urls(public_url or []),
        data_dir=data_dir.expanduser(),
        feed=feed,
        venue_urls=parse_venue_urls(venue_url or []),
        mirror=parse_store(store),
        keep_days=keep_days,
        keep_gb=keep_gb,
        memory_limit_mb=memory_limit,
        demo=demo,
        recorded_speed=recorded_speed,
        recorded_warmup_s=recorded_warmup,
    )
    asyncio.run(serve_desk(check_settings(settings), _announce))


def _announce(started: Started) -> None:
    _console.print(f"[bold]papertape[/] is running at [bold cyan]{started.url}[/]")
    for url in started.public_urls:
        _console.print(f"  shown  as [cyan]{url}[/] by the proxy in front of it")
    _console.print(f"  data   {started.data_dir}")
    _console.print(f"  feed   {started.feed}" + (f": {started.feed_note}" if started.feed_note else ""))
    if started.store is not None:
        _console.print(f"  store  {started.store}")
    for note in started.notes:
        _console.print(f"  [yellow]look[/]   {escape(note)}")
    for line in started.sessions:
        _console.print(f"  {line}")
    _console.print("  Ctrl-C suspends; the next start goes on from there.")
