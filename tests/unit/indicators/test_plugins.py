"""Indicators of other packages: the example is loaded as it is installed, and what is broken is refused by name."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

from papertape.errors import Refused
from papertape.indicators.catalogue import CATALOGUE
from papertape.indicators.indicator import Indicator
from papertape.indicators.kind import IndicatorKind, period
from papertape.indicators.plugins import GROUP, load_plugins

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "examples" / "own-indicator"


class Quiet(Indicator):
    __slots__ = ()


class Forgetful(Indicator):
    pass


KIND = IndicatorKind(
    name="quiet", meaning="Nothing.", formula="none", source="a test", unit="", params=(), inputs=("trades",),
    make=lambda _: Quiet(),
)  # fmt: skip


@pytest.fixture
def entry(monkeypatch: pytest.MonkeyPatch) -> Callable[[object], EntryPoint]:
    def offer(declared: object) -> EntryPoint:
        module = ModuleType("offered")
        module.__dict__["KINDS"] = declared
        monkeypatch.setitem(sys.modules, "offered", module)
        return EntryPoint(name="any", value="offered:KINDS", group=GROUP)

    return offer


def problem(entry: EntryPoint) -> str:
    with pytest.raises(Refused) as refused:
        load_plugins(tuple(CATALOGUE.values()), [entry])
    return refused.value.message


def install(folder: Path) -> None:
    """Lay the example out as an installer does: the module, and what its pyproject.toml says of it."""
    shutil.copy(EXAMPLE / "own_indicator.py", folder)
    told = folder / "own_indicator-1.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: own-indicator\nVersion: 1.0\n")
    (told / "entry_points.txt").write_text(f"[{GROUP}]\nown = own_indicator:KINDS\n")
    assert (
        f'[project.entry-points."{GROUP}"]\nown = "own_indicator:KINDS"\n' in (EXAMPLE / "pyproject.toml").read_text()
    )


def with_example(folder: Path, *arguments: str) -> str:
    install(folder)
    path = os.pathsep.join([str(folder), str(ROOT / "src")])
    command = [sys.executable, "-c", "from papertape.cli.main import main; main()", *arguments]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_example_package_is_in_the_catalogue_with_its_origin(tmp_path: Path) -> None:
    kinds = {kind["name"]: kind for kind in json.loads(with_example(tmp_path, "indicators", "list", "--json"))}
    assert kinds["plain_change_pct"]["origin"] == "own-indicator 1.0"
    assert kinds["plain_change_pct"]["warmup"] == kinds["roc"]["warmup"] == {"need": 11.0, "unit": "bars"}
    assert kinds["roc"]["origin"] == "papertape"


def test_plain_python_gives_what_the_built_in_of_the_same_formula_gives(tmp_path: Path) -> None:
    bars = tmp_path / "bars.csv"
    lines = [f"{1_700_000_000 + i * 60},{i},{i},{i},{(i * 7919) % 1009 + 0.25},1" for i in range(1, 200)]
    bars.write_text("\n".join(["time,open,high,low,close,volume", *lines]) + "\n")
    given = []
    for kind in ("roc", "plain_change_pct"):
        folder = tmp_path / kind
        folder.mkdir()
        options = ("--kind", kind, "--param", "period=14", "--input", str(bars), "--output", str(folder / "out.csv"))
        with_example(folder, "indicators", "compute", *options)
        given.append((folder / "out.csv").read_text())
    assert given[0] == given[1]
    assert given[0].count("\n") == 200


def test_one_kind_or_several_are_taken_with_the_package_they_come_from(
    entry: Callable[[object], EntryPoint],
) -> None:
    assert load_plugins((), [entry(KIND)]) == [msgspec.structs.replace(KIND, origin="offered:KINDS")]


def test_a_package_that_cannot_be_loaded_is_refused_by_name() -> None:
    assert problem(EntryPoint(name="any", value="no_such_module:KINDS", group=GROUP)) == (
        "The indicator package no_such_module:KINDS is refused: no_such_module:KINDS cannot be loaded: "
        "ModuleNotFoundError: No module named 'no_such_module'. Mend it, or uninstall it."
    )


def replaced(**changes: object) -> IndicatorKind:
    return msgspec.structs.replace(KIND, **changes)


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        (None, "offered:KINDS is None; expected an IndicatorKind or a tuple of them"),
        ((), "offered:KINDS is (); expected an IndicatorKind or a tuple of them"),
        (replaced(name="Quiet!"), "'Quiet!' is no name of a kind; expected small letters, digits and _"),
        (replaced(name="roc"), "the indicator kind 'roc' is there already, from papertape"),
        ((KIND, KIND), "the indicator kind 'quiet' is there already, from offered:KINDS"),
        (replaced(params=(period(0),)), "period of quiet is 0 by default, outside its own limits 1 to 10000"),
        (replaced(make=lambda params: params["x"]), "quiet cannot be made with its defaults: KeyError: 'x'"),
        (replaced(make=lambda _: 1), "quiet makes int; expected a subclass of Indicator"),
        (
            replaced(make=lambda _: Forgetful()),
            "Forgetful of quiet has no __slots__, so its state could not be kept; name it there",
        ),
    ],
)
def test_what_is_no_sound_indicator_is_refused_with_the_problem(
    entry: Callable[[object], EntryPoint], declared: object, said: str
) -> None:
    assert problem(entry(declared)) == (
        f"The indicator package offered:KINDS is refused: {said}. Mend it, or uninstall it."
    )
