"""`papertape record`: keep a market's data without trading, to be exported or backtested later."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.markup import escape

from papertape.app.recording import Arrived, Recorded, record_market
from papertape.app.settings import Settings, check_settings, parse_store, parse_venue_urls
from papertape.cli.amounts import counted
from papertape.errors import Conflict
from papertape.model.session import StartSession
from papertape.model.views import SessionView

_console = Console(highlight=False, soft_wrap=True)
_stderr = Console(stderr=True, highlight=False, soft_wrap=True)


def record(
    symbol: Annotated[list[str], typer.Option(help="Symbol or instrument id; repeat for several.")],
    feed: Annotated[
        str, typer.Option(envvar="PAPERTAPE_FEED", help="auto, simulated, binance or recorded:PATH.")
    ] = "auto",
    data_dir: Annotated[Path, typer.Option(envvar="PAPERTAPE_DATA_DIR", help="Folder that keeps everything.")] = Path(
        "~/.papertape"
    ),
    seconds: Annotated[float | None, typer.Option(min=1, help="How long; until Ctrl-C when not given.")] = None,
    store: Annotated[
        str, typer.Option(envvar="PAPERTAPE_STORE", help="sqlite, or questdb://USER:PASSWORD@HOST:9000 for a copy.")
    ] = "sqlite",
    venue_url: Annotated[
        list[str] | None,
        typer.Option(envvar="PAPERTAPE_VENUE_URL", help="Another address of a venue: binance=ws://…,http://…"),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON at the end, and reports to standard error.")
    ] = False,
) -> None:
    """Record the market data of some symbols; nothing trades."""
    settings = Settings(
        data_dir=data_dir.expanduser(),
        feed=feed,
        mirror=parse_store(store),
        venue_urls=parse_venue_urls(venue_url or []),
    )
    out = _stderr if as_json else _console
    recording = record_market(
        check_settings(settings),
        StartSession(strategies=(), symbols=tuple(symbol), mode="RECORD"),
        seconds=seconds,
        on_started=lambda session: _announce(out, session, data_dir),
        on_note=lambda note: out.print(f"  {escape(note)}"),
        on_report=lambda session, arrived: _report(out, session, arrived),
    )
    try:
        recorded = asyncio.run(recording)
    except Conflict as error:
        if error.code != "folder.locked":
            raise
        hint = f"To record on that desk: papertape session start --mode RECORD --symbol {symbol[0]}"
        raise Conflict(f"{error.message} {hint}", code=error.code, path=error.path) from error
    if as_json:
        typer.echo(msgspec.json.encode(recorded).decode())
    else:
        _conclude(recorded, data_dir)


def _announce(out: Console, session: SessionView, data_dir: Path) -> None:
    out.print(f"[bold]Recording[/] {', '.join(session.instruments)} from {session.feed} into {data_dir}")
    if session.feed_note:
        out.print(f"  {session.feed_note}")
    out.print(f"  session {session.session_id}; Ctrl-C ends it.")


def _report(out: Console, session: SessionView, arrived: list[Arrived]) -> None:
    if session.is_degraded or session.state == "starting":
        out.print(f"{session.state}: {session.reason}")
    for one in arrived:
        out.print(f"{one.instrument}  {one.rate:,.1f} events/s, {_newest(one)}, {counted(one.gaps, 'gap')}")


def _newest(one: Arrived) -> str:
    if one.price is None or one.ts is None:
        return "no price yet"
    return f"{one.price} at {datetime.fromtimestamp(one.ts / 1e6, tz=UTC):%H:%M:%S} UTC"


def _conclude(recorded: Recorded, data_dir: Path) -> None:
    total = sum(one.events for one in recorded.symbols)
    gaps = sum(one.gaps for one in recorded.symbols)
    _console.print(
        f"[bold]Recorded[/] {counted(total, 'event')} of {counted(len(recorded.symbols), 'symbol')}, "
        f"{recorded.seconds:.0f} s and the history before them, {counted(gaps, 'gap')}: "
        f"session {recorded.session_id} is {recorded.state}. {recorded.reason}"
    )
    _console.print(f"  papertape backtest --data session:{recorded.session_id} --data-dir {data_dir} --strategy NAME")
    _console.print(f"  papertape export trades {recorded.session_id} trades.parquet --data-dir {data_dir}")
