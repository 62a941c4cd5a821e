"""Finds the real market data and third-party expected outputs that stand beside a checkout."""

from __future__ import annotations

from pathlib import Path

_ROOT = Path(__file__).resolve().parents[4] / "shared" / "data"


def find_shared_data(name: str) -> Path | None:
    """Return the folder or file `name` of the shared data, or None when it is absent."""
    path = _ROOT / name
    return path if path.exists() else None


def shared_data(name: str) -> Path:
    """Return the folder or file `name`; skip the calling test with a sentence when it is absent."""
    import pytest

    path = find_shared_data(name)
    if path is None:
        pytest.skip(f"needs the shared market data {name!r}, which is not beside this checkout")
    return path
