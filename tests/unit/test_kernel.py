"""The choice at import between the compiled kernel and its sources: all, or nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from papertape import kernel

SUFFIX = EXTENSION_SUFFIXES[0]
MARKED = '"""A kernel module."""\n\n# kernel: compiled by scripts/kernel_build.py\n\nHELD = 1\n'


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "sample"
    (folder / "kinds").mkdir(parents=True)
    shutil.copyfile(kernel.__file__, folder / "kernel.py")
    (folder / "__init__.py").write_text("from sample.kernel import choose\n\nchoose(__path__[0])\n")
    (folder / "kinds" / "__init__.py").write_text("")
    (folder / "first.py").write_text(MARKED)
    (folder / "kinds" / "second.py").write_text(MARKED)
    for name in ("first", "kinds/second", "common"):
        (folder / f"{name}{SUFFIX}").write_text("this is no library: to load it fails")
    stamp = kernel.stamp(str(folder), ["first", "kinds/second"], ["__init__", "kernel", "kinds/__init__"], "common")
    (folder / kernel.STAMP).write_text(stamp)
    return folder


def why_not(package: Path) -> str | None:
    return kernel.why_not_compiled(str(package))


def said_by(package: Path, statement: str, wanted: str | None = None) -> str:
    environment = {name: value for name, value in os.environ.items() if name != kernel.SETTING}
    environment |= {"PYTHONPATH": str(package.parent)} | ({} if wanted is None else {kernel.SETTING: wanted})
    done = subprocess.run(
        [sys.executable, "-c", statement], env=environment, capture_output=True, text=True, check=False
    )
    return (done.stdout + done.stderr).strip()


def test_this_process_says_how_its_kernel_runs_and_why() -> None:
    assert kernel.mode() in {kernel.COMPILED, kernel.INTERPRETED}
    assert kernel.reason()
    assert kernel.told().startswith(f"kernel {kernel.mode()}")


def test_what_was_compiled_of_the_sources_that_are_there_is_used(package: Path) -> None:
    assert why_not(package) is None


def test_a_source_that_was_only_touched_is_the_same_source(package: Path) -> None:
    os.utime(package / "first.py", (1, 1))
    assert why_not(package) is None


def test_a_changed_source_is_not_run_as_it_was(package: Path) -> None:
    (package / "kinds" / "second.py").write_text(MARKED.replace("1", "2"))
    assert why_not(package) == "kinds/second.py was changed since it was compiled"


def test_a_removed_source_is_a_changed_one(package: Path) -> None:
    (package / "first.py").unlink()
    assert why_not(package) == "first.py was changed since it was compiled"


def test_an_extension_that_is_missing_lets_all_run_interpreted(package: Path) -> None:
    (package / f"common{SUFFIX}").unlink()
    assert why_not(package) == f"common{SUFFIX} is missing"


def test_an_extension_that_no_module_stands_behind_is_not_trusted(package: Path) -> None:
    (package / "kinds" / f"old{SUFFIX}").write_text("")
    assert why_not(package) == f"kinds/old{SUFFIX} belongs to no module"


def test_a_new_kernel_module_lets_all_run_interpreted_until_it_is_compiled(package: Path) -> None:
    (package / "kinds" / "plain.py").write_text('"""No kernel module."""\n')
    assert why_not(package) is None
    (package / "kinds" / "third.py").write_text(MARKED)
    assert why_not(package) == "kinds/third.py was added since it was compiled"


def test_extensions_of_another_python_are_not_loaded(package: Path) -> None:
    stamp = (package / kernel.STAMP).read_text()
    (package / kernel.STAMP).write_text(stamp.replace(SUFFIX, ".cpython-299.so", 1))
    assert why_not(package) == "it was compiled for another Python"


def test_no_stamp_and_an_unreadable_one_are_told_apart(package: Path) -> None:
    (package / kernel.STAMP).write_text(f"{SUFFIX}\nfirst one two\n")
    assert why_not(package) == "kernel.stamp cannot be read"
    (package / kernel.STAMP).unlink()
    assert why_not(package) == "it was not compiled"


def test_interpreted_no_extension_is_loaded_even_where_one_lies(package: Path) -> None:
    told = "import sample.kinds.second as it, sample.kernel as kernel; print(it.HELD, kernel.told())"
    assert said_by(package, told, "interpreted") == "1 kernel interpreted: PAPERTAPE_KERNEL=interpreted"
    (package / "first.py").write_text(MARKED + "# changed\n")
    assert said_by(package, told) == "1 kernel interpreted: first.py was changed since it was compiled"


def test_an_extension_without_a_source_is_no_module_when_interpreted(package: Path) -> None:
    assert "No module named 'sample.common'" in said_by(package, "import sample.common", "interpreted")


def test_compiled_the_extensions_are_loaded(package: Path) -> None:
    assert f"first{SUFFIX}" in said_by(package, "import sample.first")


def test_compiled_on_demand_and_impossible_is_refused_with_the_reason_and_the_remedy(package: Path) -> None:
    (package / kernel.STAMP).unlink()
    said = said_by(package, "import sample.kinds; print('imported'); import sample.first", "compiled")
    assert said.startswith("imported")
    assert said.endswith(
        "PAPERTAPE_KERNEL=compiled, but it was not compiled; `make setup` compiles it where a C compiler is, "
        "or unset PAPERTAPE_KERNEL."
    )


def test_a_mode_that_is_none_is_refused_with_those_there_are(package: Path) -> None:
    said = said_by(package, "import sample.first", "fast")
    assert said.endswith("PAPERTAPE_KERNEL is 'fast'; expected compiled or interpreted, or leave it unset.")


def test_the_command_line_refuses_an_impossible_kernel_in_one_sentence() -> None:
    environment = os.environ | {kernel.SETTING: "fast"}
    command = [sys.executable, "-c", "from papertape.cli.main import main; main()", "--version"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        2,
        "papertape: PAPERTAPE_KERNEL is 'fast'; expected compiled or interpreted, or leave it unset.\n",
    )
