"""Compile the kernel: plain typed Python through Cython into extension modules beside their sources.

One source: the `.py` is what runs interpreted and what is compiled. What it means in C is in `kernel_source.py`, what
Cython is given in `kernel_declarations.py`. A module is compiled again when it, or what it imports, declares anew.
Without a compiler nothing is made and papertape runs interpreted; that is one sentence and no error.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib
import importlib.metadata
import importlib.util
import io
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from kernel_declarations import declarations, rewritten
from kernel_source import KernelProblem, Modules, read_modules, shown

STAMP = "kernel.stamp"
SHARED = "kernel_shared"
_CHOICE = Path(__file__).resolve().parent.parent / "src" / "papertape" / "kernel.py"
JOBS = 2
_SUFFIX = str(sysconfig.get_config_var("EXT_SUFFIX"))
_DIRECTIVES: dict[str, object] = {
    "language_level": 3,
    "infer_types": True,
    "boundscheck": False,
    "wraparound": False,
    "initializedcheck": False,
    "cdivision": False,
    "embedsignature": False,
    "auto_pickle": False,
}
_LINK = ["-bundle", "-undefined", "dynamic_lookup"] if sys.platform == "darwin" else ["-shared", "-s"]
_FLAGS = [
    *_LINK,
    "-fPIC",
    "-fno-strict-aliasing",
    "-ffp-contract=off",
    "-fwrapv",
    "-fno-math-errno",
    "-w",
    "-fvisibility=hidden",
    "-g0",
]
_DEFINES = ["-DNDEBUG", "-DCYTHON_CLINE_IN_TRACEBACK=0"]
_LIGHT = ".indicators.kinds."
"""Modules of a few lines a call, of which there are many: compiled with fewer passes."""


@dataclass(frozen=True)
class Unit:
    """One extension to be made: its C source's origin and its result."""

    name: str
    source: Path
    result: Path
    key: str

    @property
    def stamp(self) -> Path:
        """Return the file that says of what the result was made."""
        return self.source.with_suffix(".key")

    def is_made(self) -> bool:
        """Return whether the result is there and of this source."""
        return self.result.exists() and self.stamp.exists() and self.stamp.read_text() == self.key


def main() -> int:
    """Compile what changed and say in one line what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--package", type=Path, default=Path("src/papertape"), help="the package with kernel modules")
    parser.add_argument("--build", type=Path, default=Path(".setup/kernel-build"), help="the folder to work in")
    arguments = parser.parse_args()
    try:
        compile_kernel(arguments.package.resolve(), arguments.build.resolve())
    except KernelProblem as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    return 0


def compile_kernel(package: Path, folder: Path) -> bool:
    """Compile what changed, say what came of it, and return whether there is a compiled kernel.

    Raises:
        KernelProblem: as `build`.
    """
    missing = missing_tool()
    if missing is None:
        _say(build(package, folder, _say))
    else:
        remove_extensions(package, keep=set())
        _say(f"The kernel is not compiled: {missing} papertape runs interpreted, with the same results, slower.")
    return (package / STAMP).is_file()


def missing_tool() -> str | None:
    """Return what the compilation lacks on this machine, as a sentence with the remedy."""
    try:
        importlib.metadata.version("cython")
    except importlib.metadata.PackageNotFoundError:
        return "Cython is not installed (it is in requirements-dev.txt)."
    if _compiler() is None:
        return "there is no C compiler (Debian: apt-get install gcc libc6-dev)."
    if not (Path(sysconfig.get_path("include")) / "Python.h").is_file():
        return f"Python.h is not in {sysconfig.get_path('include')} (Debian: apt-get install python3-dev)."
    return None


def build(package: Path, folder: Path, say: Callable[[str], None] = lambda _: None) -> str:
    """Compile the kernel of `package`, working in `folder`, and return what was done as a sentence.

    Raises:
        KernelProblem: a module breaks a rule of kernel modules, or Cython or the compiler refused it.
    """
    started = time.monotonic()
    modules = read_modules(package)
    source = folder / "source"
    sources = _write_sources(modules, package, source)
    units = [_unit(name, modules, sources) for name in modules]
    if units:
        units.insert(0, _shared_unit(package, source))
    todo = [unit for unit in units if not unit.is_made()]
    remove_extensions(package, keep={unit.result for unit in units})
    stamp = _stamp(modules, package)
    if not todo and (package / STAMP).exists() and (package / STAMP).read_text() == stamp:
        return f"The kernel is compiled: {len(modules)} modules, none changed."
    (package / STAMP).unlink(missing_ok=True)  # until all is there, papertape runs interpreted
    if todo:
        say(f"Compiling the kernel: {len(todo)} of {len(units)} extensions")
    _make(todo, source, f"{package.name}.{SHARED}")
    _write(package / STAMP, stamp)
    return f"The kernel is compiled: {len(todo)} extensions in {time.monotonic() - started:.0f} s."


def remove_extensions(package: Path, keep: set[Path]) -> None:
    """Delete the extensions of a package that no kernel module of today stands behind."""
    for path in package.rglob("*.so"):
        if path not in keep:
            path.unlink()
    if not keep:
        (package / STAMP).unlink(missing_ok=True)


def _write_sources(modules: Modules, package: Path, source: Path) -> dict[str, Path]:
    sources = {name: source / module.path.relative_to(package.parent) for name, module in modules.items()}
    for name, target in sources.items():
        _write(target, rewritten(modules[name], modules))
        _write(target.with_suffix(".pxd"), declarations(modules[name], modules))
    for folder in {parent for target in sources.values() for parent in target.parents if source in parent.parents}:
        _write(folder / "__init__.py", "")
        _write(folder / "__init__.pxd", "")
    return sources


def _unit(name: str, modules: Modules, sources: dict[str, Path]) -> Unit:
    declared = {other: sources[other].with_suffix(".pxd").read_text() for other in _imported(name, modules)}
    key = _key(sources[name].read_text(), json.dumps(declared, sort_keys=True), *_flags(name))
    path = modules[name].path
    return Unit(name, sources[name], path.with_name(path.stem + _SUFFIX), key)


def _shared_unit(package: Path, source: Path) -> Unit:
    # What typed buffers need is the same in every module: made once, a module is a fifth as large and as slow to make.
    name = f"{package.name}.{SHARED}"
    return Unit(name, source / package.name / f"{SHARED}.c", package / (SHARED + _SUFFIX), _key(*_flags(name)))


def _imported(name: str, modules: Modules) -> set[str]:
    found, todo = {name}, [name]
    while todo:
        for source, _ in modules[todo.pop()].imports.values():
            if source in modules and source not in found:
                found.add(source)
                todo.append(source)
    return found


@cache
def _flags(name: str) -> tuple[str, ...]:
    return (*_FLAGS, *_DEFINES, "-O1" if _LIGHT in name else "-O2")


def _key(*parts: str) -> str:
    cython = importlib.metadata.version("cython")
    told = "\0".join([*parts, str(_DIRECTIVES), _SUFFIX, cython, sysconfig.get_path("include"), str(_compiler())])
    return hashlib.sha256(told.encode()).hexdigest()


def _make(units: list[Unit], source: Path, shared: str) -> None:
    with ThreadPoolExecutor(JOBS) as pool, contextlib.chdir(source):
        jobs: list[Future[None]] = []
        try:
            for unit in units:
                if unit.name != shared:
                    _translate(unit, source, shared)
                jobs.append(pool.submit(_compile, unit))
            for job in jobs:
                job.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)  # after a failure nothing more is begun


def _translate(unit: Unit, source: Path, shared: str) -> None:
    cython = importlib.import_module("Cython.Compiler.Main")  # imported late: many builds change nothing
    options = cython.CompilationOptions(
        compiler_directives=dict(_DIRECTIVES), shared_utility_qualified_name=shared, include_path=[str(source)]
    )
    place = str(unit.source.relative_to(source))  # what a traceback names; of this machine nothing is kept
    said = io.StringIO()
    # Many in one process: to start Cython takes longer than to translate a module.
    with contextlib.redirect_stderr(said):
        failed = cython.compile_single(place, options, full_module_name=unit.name).num_errors
    if failed:
        raise KernelProblem(_told(unit, said.getvalue()))


def _told(unit: Unit, said: str) -> str:
    source = unit.result.with_name(unit.result.name.removesuffix(_SUFFIX) + ".py")
    found = re.findall(r"^\S*?([^/\s]+)\.(?:py|pxd):(\d+):\d+: (.*)$", said, re.MULTILINE)
    lines = [f"{shown(source)}:{line}: Cython says: {text}" for name, line, text in found if name == source.stem]
    return "\n".join(lines or [f"{shown(source)}: Cython says: {said.strip()}"])


def _compile(unit: Unit) -> None:
    c_source = unit.source.with_suffix(".c")
    if unit.source == c_source:
        _run(unit, [sys.executable, "-m", "cython", "--generate-shared", str(c_source), "--module-name", unit.name])
    built = unit.result.with_suffix(".so.new")
    include = f"-I{sysconfig.get_path('include')}"
    _run(unit, [str(_compiler()), *_flags(unit.name), include, str(c_source), "-lm", "-o", str(built)])
    os.replace(built, unit.result)  # a desk that runs keeps the file it has
    _write(unit.stamp, unit.key)


def _run(unit: Unit, command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise KernelProblem(f"{unit.name} was not compiled. {' '.join(command)} said:\n{done.stdout}{done.stderr}")


def _compiler() -> str | None:
    return next(filter(None, map(shutil.which, filter(None, (os.environ.get("CC"), "cc", "gcc", "clang")))), None)


def _stamp(modules: Modules, package: Path) -> str:
    found = importlib.util.spec_from_file_location("kernel", _CHOICE)
    assert found is not None
    assert found.loader is not None
    choice = importlib.util.module_from_spec(found)
    found.loader.exec_module(choice)
    compiled = [module.path.relative_to(package).with_suffix("").as_posix() for module in modules.values()]
    folders = sorted({package, *(module.path.parent for module in modules.values())})
    present = [
        path.relative_to(package).with_suffix("").as_posix() for at in folders for path in sorted(at.glob("*.py"))
    ]
    return str(choice.stamp(str(package), compiled, [name for name in present if name not in compiled], SHARED))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
