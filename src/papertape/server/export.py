"""Writes the descriptions of the HTTP API and of a strategy's definition.

Run `python -m papertape.server.export` after any change of a route or of the definition.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import cast

import msgspec

from papertape.server.app import create_api
from papertape.server.desk_port import DeskPort
from papertape.server.hub import StreamHub
from papertape.server.settings import ServerSettings
from papertape.strategy.schema import definition_schema

OPENAPI_FILE = "schema/openapi.json"
STRATEGY_FILE = "schema/strategy.schema.json"


def openapi_text() -> str:
    """Return the OpenAPI document of the HTTP API as JSON text."""
    desk = cast(DeskPort, None)  # describing the routes asks no desk
    api = create_api(desk, ServerSettings(), StreamHub(desk))
    document = msgspec.json.encode(api.openapi_schema.to_schema(), order="deterministic")
    return msgspec.json.format(document, indent=2).decode() + "\n"


def strategy_text() -> str:
    """Return the JSON Schema of a strategy's definition, for editors and other programs."""
    document = msgspec.json.encode(definition_schema(), order="deterministic")
    return msgspec.json.format(document, indent=2).decode() + "\n"


def main(root: Path | None = None) -> None:
    """Write the documents below `root`, by default the repository this module runs from."""
    base = root or Path(__file__).resolve().parents[3]
    for file, text in ((OPENAPI_FILE, openapi_text()), (STRATEGY_FILE, strategy_text())):
        (base / file).write_text(text, encoding="utf-8")
        sys.stdout.write(f"wrote {file}\n")


if __name__ == "__main__":
    main()
