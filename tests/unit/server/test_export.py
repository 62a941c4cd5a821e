from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from papertape.server.export import OPENAPI_FILE, STRATEGY_FILE, openapi_text, strategy_text


@pytest.mark.parametrize(("file", "text"), [(OPENAPI_FILE, openapi_text), (STRATEGY_FILE, strategy_text)])
def test_a_published_description_is_what_the_code_says(file: str, text: Callable[[], str]) -> None:
    path = Path(__file__).resolve().parents[3] / file
    current = path.read_text(encoding="utf-8") if path.exists() else ""
    assert current == text(), f"{file} is out of date; run: python -m papertape.server.export"
