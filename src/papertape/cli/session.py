"""`papertape session`: start, list, show and stop sessions of a running desk, over its HTTP interface."""

from __future__ import annotations

import secrets
from typing import Annotated, Any

import httpx
import msgspec
import typer
from rich.console import Console
from rich.table import Column, Table

from papertape.errors import Invalid, Unavailable

app = typer.Typer(
    help="Start, list, show and stop sessions of a running desk.", no_args_is_help=True, add_completion=False
)

_console = Console(highlight=False, soft_wrap=True)
_Url = Annotated[str, typer.Option("--url", envvar="PAPERTAPE_URL", help="Address of the running desk.")]
_DEFAULT_URL = "http://127.0.0.1:8420"
_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def start(
    symbol: Annotated[list[str], typer.Option(help="Symbol or instrument id; repeat for several.")],
    strategy: Annotated[list[str] | None, typer.Option(help="Strategy name; repeat for several.")] = None,
    mode: Annotated[str, typer.Option(help="PAPER, or RECORD to keep market data without strategies.")] = "PAPER",
    capital: Annotated[str, typer.Option(help="Initial capital in the quote currency.")] = "10000",
    profile: Annotated[str, typer.Option(help="optimistic, standard or pessimistic.")] = "standard",
    feed: Annotated[str | None, typer.Option(help="Feed; the desk's default when not given.")] = None,
    url: _Url = _DEFAULT_URL,
    as_json: _AsJson = False,
) -> None:
    """Start a session that trades on paper or records."""
    body = {
        "mode": mode.upper(), "strategies": strategy or [], "symbols": symbol, "capital": capital, "profile": profile,
        "feed": feed,
    }  # fmt: skip
    headers = {"Idempotency-Key": secrets.token_hex(16)}
    _show(_ask("POST", url, "/api/sessions", json=body, headers=headers), as_json)


@app.command("list")
def list_sessions(url: _Url = _DEFAULT_URL, as_json: _AsJson = False) -> None:
    """List the sessions, newest first."""
    found = _ask("GET", url, "/api/sessions")
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
        return
    table = Table(Column("session", no_wrap=True), "state", "strategies", "symbols", Column("equity", no_wrap=True))
    for item in found["items"]:
        table.add_row(
            item["session_id"], item["state"], ", ".join(item["strategies"]), ", ".join(item["instruments"]),
            f"{float(item['equity']):,.2f} {item['currency']}" if item["equity"] else "no account",
        )  # fmt: skip
    _console.print(table)


@app.command()
def show(session_id: str, url: _Url = _DEFAULT_URL, as_json: _AsJson = False) -> None:
    """Show one session and the state of its instances."""
    session = _ask("GET", url, f"/api/sessions/{session_id}")
    state = _ask("GET", url, f"/api/sessions/{session_id}/state")
    if as_json:
        typer.echo(msgspec.json.encode({"session": session, "state": state}).decode())
        return
    _show(session, as_json=False)
    table = Table("strategy", "symbol", "state", "why")
    for item in state["instances"]:
        table.add_row(item["strategy"], item["symbol"], item["state"], item.get("reason", ""))
    _console.print(table)


@app.command()
def stop(
    session_id: str,
    close: Annotated[bool, typer.Option("--close/--leave-open", help="Close open positions at the market.")] = True,
    url: _Url = _DEFAULT_URL,
    as_json: _AsJson = False,
) -> None:
    """Stop a session."""
    _show(_ask("POST", url, f"/api/sessions/{session_id}/stop", json={"close_positions": close}), as_json)


def _show(session: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(msgspec.json.encode(session).decode())
        return
    _console.print(f"[bold]{session['session_id']}[/] is {session['state']} ({session['mode']}, {session['feed']})")
    _console.print(f"  {session['reason']}")


def _ask(method: str, url: str, path: str, **options: Any) -> Any:
    try:
        answer = httpx.request(method, url.rstrip("/") + path, timeout=30, **options)
    except httpx.HTTPError as error:
        raise Unavailable(
            f"No desk answers at {url} ({error}); start one with `papertape run`, or give its address with --url.",
            code="cli.no_desk",
        ) from error
    body = answer.json()
    if answer.is_error:
        raise Invalid(body["message"], code=body["code"], path=body.get("path"))
    return body
