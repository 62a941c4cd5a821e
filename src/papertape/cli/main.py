"""The command line's entry point: one typer application, errors as sentences."""

from __future__ import annotations

import sys
from importlib import import_module

import typer
from rich.console import Console
from rich.markup import escape
from typer.core import TyperGroup

from papertape import __version__, kernel
from papertape.errors import PapertapeError, Refused

# Each command's module is imported when the command is wanted: nobody waits for the server to see a version.
_COMMANDS = {
    "run": "papertape.cli.run:run",
    "session": "papertape.cli.session:app",
    "backtest": "papertape.cli.backtest:backtest",
    "replay": "papertape.cli.backtest:replay",
    "record": "papertape.cli.record:record",
    "export": "papertape.cli.export:app",
    "import": "papertape.cli.imports:app",
    "store": "papertape.cli.store:app",
    "strategy": "papertape.cli.strategy:app",
    "indicators": "papertape.cli.indicators:app",
    "doctor": "papertape.cli.doctor:doctor",
}


class _Commands(TyperGroup):
    def list_commands(self, _: typer.Context) -> list[str]:  # type: ignore[override]  # typer's own kind of context
        return list(_COMMANDS)

    def get_command(self, _: typer.Context, cmd_name: str):  # type: ignore[no-untyped-def,override]  # as above
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name].split(":")
        found = getattr(import_module(module), name)
        if not isinstance(found, typer.Typer):
            single = typer.Typer(add_completion=False)
            single.command(cmd_name)(found)
            found = single
        command = typer.main.get_command(found)
        command.name = cmd_name
        return command


app = typer.Typer(
    name="papertape",
    cls=_Commands,
    help="A self-hosted, real-time paper-trading desk that shows what every strategy is thinking, and why.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

_EXIT_REFUSED = 2
_EXIT_FAILED = 1


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"papertape {__version__}, {kernel.told()}")
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
        if kernel.refusal():
            raise Refused(kernel.refusal(), code="kernel.refused")
        app()
    except PapertapeError as error:
        place = f" ({error.path})" if error.path else ""
        Console(stderr=True, highlight=False, soft_wrap=True).print(
            f"[bold red]papertape:[/] {escape(error.message + place)}"
        )
        sys.exit(_EXIT_REFUSED if isinstance(error, Refused) else _EXIT_FAILED)
