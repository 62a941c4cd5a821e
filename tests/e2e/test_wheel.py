"""The wheel as a user gets it: all there, nothing too much, and working without Node and without the repository."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parents[2]
LARGEST_WHEEL = 6_000_000  # with the compiled kernel: some 20 kB an indicator


@pytest.fixture
def wheel() -> Path:
    wheels = list((ROOT / "dist").glob("*.whl"))
    assert len(wheels) == 1, "run `make wheel` first: it leaves one wheel in dist/"
    return wheels[0]


def test_the_wheel_holds_the_web_ui_the_strategies_the_types_marker_and_the_licence(wheel: Path) -> None:
    names = ZipFile(wheel).namelist()
    wanted = (
        "papertape/server/ui/index.html",
        "papertape/strategy/builtins/pump-peak-short.yaml",
        "papertape/py.typed",
        "licenses/LICENSE",
    )
    assert [name for name in wanted if not any(held.endswith(name) for held in names)] == []


def test_the_wheel_holds_no_tests_no_sources_of_the_web_ui_and_no_maps(wheel: Path) -> None:
    names = ZipFile(wheel).namelist()
    assert [name for name in names if name.startswith("tests/") or name.endswith((".ts", ".tsx", ".map"))] == []


def test_the_wheel_stays_within_its_size(wheel: Path) -> None:
    assert wheel.stat().st_size <= LARGEST_WHEEL


def test_the_installed_command_answers_with_nothing_else_on_the_path(tmp_path: Path) -> None:
    command = os.environ.get("PAPERTAPE_BIN", str(ROOT / ".setup" / "wheel" / "bin" / "papertape"))
    environment = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    answer = subprocess.run(
        [command, "--help"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "run" in answer.stdout
