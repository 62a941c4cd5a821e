from __future__ import annotations

from pathlib import Path

from papertape.server.export import OPENAPI_FILE, openapi_text


def test_the_description_of_the_api_is_what_the_routes_say() -> None:
    path = Path(__file__).resolve().parents[3] / OPENAPI_FILE
    current = path.read_text(encoding="utf-8") if path.exists() else ""
    assert current == openapi_text(), f"{OPENAPI_FILE} is out of date; run: python -m papertape.server.export"
