"""Writes the description of the HTTP API. Run `python -m papertape.server.export` after any change of a route."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import cast

import msgspec

from papertape.server.app import create_api
from papertape.server.desk_port import DeskPort
from papertape.server.hub import StreamHub
from papertape.server.settings import ServerSettings

OPENAPI_FILE = "schema/openapi.json"


def openapi_text() -> str:
    """Return the OpenAPI document of the HTTP API as JSON text."""
    desk = cast(DeskPort, None)  # describing the routes asks no desk
    api = create_api(desk, ServerSettings(), StreamHub(desk))
    document = msgspec.json.encode(api.openapi_schema.to_schema(), order="deterministic")
    return msgspec.json.format(document, indent=2).decode() + "\n"


def main(root: Path | None = None) -> None:
    """Write the document below `root`, by default the repository this module runs from."""
    base = root or Path(__file__).resolve().parents[3]
    (base / OPENAPI_FILE).write_text(openapi_text(), encoding="utf-8")
    sys.stdout.write(f"wrote {OPENAPI_FILE}\n")


if __name__ == "__main__":
    main()
