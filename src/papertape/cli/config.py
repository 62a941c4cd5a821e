"""A config file whose values stand beneath the environment and the command line."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import typer

from papertape.errors import Invalid


def load_config(context: typer.Context, path: Path | None) -> Path | None:
    """Take defaults for the options of a command from a TOML file: `port = 8421`, `feed = "simulated"`.

    Raises:
        Invalid: the file is missing, no TOML, or names an option that does not exist.
    """
    if path is None:
        return None
    values = _read(path)
    known = {parameter.name for parameter in context.command.params}
    unknown = sorted(set(values) - known)
    if unknown:
        raise Invalid(
            f"{path} sets {unknown[0]!r}, which is no option; options are {', '.join(sorted(filter(None, known)))}.",
            code="config.unknown_option",
            path=unknown[0],
        )
    context.default_map = {**values, **(context.default_map or {})}
    return path


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Invalid(
            f"The config file {path} cannot be read ({error.strerror}); give another with --config.",
            code="config.unreadable",
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"The config file {path} is not TOML: {error}.", code="config.not_toml") from error
