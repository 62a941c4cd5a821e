"""`papertape strategy`: check definitions without starting anything."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from papertape.errors import Invalid
from papertape.strategy.parse import definition_sha256, parse_definition
from papertape.strategy.schema import definition_schema

app = typer.Typer(help="Check strategy definitions.", no_args_is_help=True, add_completion=False)

_console = Console(highlight=False, soft_wrap=True)


@app.command()
def validate(file: Annotated[Path, typer.Argument(help="YAML or JSON file.")]) -> None:
    """Check a definition; an error names the path inside it and the remedy."""
    definition = parse_definition(read_definition(file))
    _console.print(f"[green]valid[/]: {definition.name} (SHA-256 {definition_sha256(definition)})")


@app.command()
def schema() -> None:
    """Print the JSON Schema of a definition, for editors."""
    typer.echo(msgspec.json.format(msgspec.json.encode(definition_schema())).decode())


def read_definition(file: Path) -> str:
    """Return the text of a definition file; raises `Invalid` when it cannot be read."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(
            f"{file} cannot be read ({error}); give a YAML or JSON file.", code="strategy.unreadable"
        ) from error
