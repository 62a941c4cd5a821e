"""The names of recordings that a desk's backtest may read: nothing outside the imports, and no name is a failure."""

from __future__ import annotations

from pathlib import Path

import pytest

from papertape.app.backtest import find_import
from papertape.errors import Invalid, NotFound


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    (tmp_path / "imports" / "tape").mkdir(parents=True)
    (tmp_path / "secret").mkdir()
    (tmp_path / "imports" / "link").symlink_to(tmp_path / "secret")
    return tmp_path


def test_a_recording_in_the_imports_is_found(data_dir: Path) -> None:
    assert find_import("tape", data_dir) == (data_dir / "imports" / "tape").resolve()


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../secret", "tape/../../secret", "/etc/passwd", "link", "a\0b", "x" * 5_000, "a/" * 3_000]
)
def test_what_is_no_name_in_the_imports_is_refused(name: str, data_dir: Path) -> None:
    with pytest.raises(Invalid) as refused:
        find_import(name, data_dir)
    assert (refused.value.code, len(refused.value.message) < 1_000) == ("backtest.import", True)


def test_a_name_that_is_not_there_is_not_found(data_dir: Path) -> None:
    with pytest.raises(NotFound):
        find_import("another", data_dir)
