"""The command line's entry point: one typer application, errors as sentences."""

from __future__ import annotations

import sys

import typer
from rich.console import Console

from papertape import __version__
from papertape.cli import backtest, doctor, indicators, run, session, strategy
from papertape.errors import PapertapeError, Refused

app = typer.Typer(
    name="papertape",
    help="A self-hosted, real-time paper-trading desk that shows what every strategy is thinking, and why.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("run")(run.run)
app.command("replay")(backtest.replay)
app.command("backtest")(backtest.backtest)
app.command("doctor")(doctor.doctor)
app.add_typer(session.app, name="session")
app.add_typer(strategy.app, name="strategy")
app.add_typer(indicators.app, name="indicators")

_EXIT_REFUSED = 2
_EXIT_FAILED = 1


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"papertape {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    pass


def main() -> None:
    """Run the command line; an error is one sentence on standard error and a non-zero exit status."""
    try:
        app()
    except PapertapeError as error:
        place = f" ({error.path})" if error.path else ""
        Console(stderr=True, highlight=False, soft_wrap=True).print(
            f"[bold red]papertape:[/] {error.message}{place}", markup=True
        )
        sys.exit(_EXIT_REFUSED if isinstance(error, Refused) else _EXIT_FAILED)
