"""Choose at import between the compiled kernel and the same sources interpreted: all of it, or nothing of it.

In: the stamp of the build (`kernel.stamp`), the sources and extensions beside it, and `PAPERTAPE_KERNEL`.
Out: `mode()` and `reason()`; when interpreted, an import hook that sees sources only.
Never: a mixture, or an extension made of another source than the one that is there. Imports nothing of papertape.
"""

from __future__ import annotations

import os
import sys
from _imp import source_hash  # importlib.util has it too, and ten modules more
from importlib.machinery import EXTENSION_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from types import ModuleType

TYPE_CHECKING = False  # typing and collections.abc are not imported for a choice
if TYPE_CHECKING:
    from collections.abc import Sequence

STAMP = "kernel.stamp"
MARK = b"\n# kernel: compiled by scripts/kernel_build.py\n"
SETTING = "PAPERTAPE_KERNEL"
COMPILED, INTERPRETED = "compiled", "interpreted"
_KEY = 0
_ORDINARY, _ALONE = "-", "+"
_REMEDY = "`make setup` compiles it where a C compiler is"

_choice = {"mode": INTERPRETED, "reason": "not chosen yet", "refusal": ""}


def mode() -> str:
    """Return how the kernel runs in this process: "compiled" or "interpreted"."""
    return _choice["mode"]


def reason() -> str:
    """Return why the kernel runs as it does."""
    return _choice["reason"]


def refusal() -> str:
    """Return what stands against the mode that was demanded, as a sentence; empty when nothing does."""
    return _choice["refusal"]


def told() -> str:
    """Return mode and, when it is not the fast one, the reason, in a few words."""
    return f"kernel {mode()}" if mode() == COMPILED else f"kernel {mode()}: {reason()}"


def choose(package: str) -> None:
    """Decide for the folder of a package how its kernel runs, once, before any other of its modules is imported."""
    wanted = os.environ.get(SETTING, "")
    problem = why_not_compiled(package) if wanted != INTERPRETED else f"{SETTING}={INTERPRETED}"
    _choice["mode"] = INTERPRETED if problem else COMPILED
    _choice["reason"] = problem or "every module has an extension made of its source"
    _choice["refusal"] = ""
    if wanted not in ("", COMPILED, INTERPRETED):
        _choice["refusal"] = f"{SETTING} is {wanted!r}; expected {COMPILED} or {INTERPRETED}, or leave it unset."
    elif wanted == COMPILED and problem:
        _choice["refusal"] = f"{SETTING}={COMPILED}, but {problem}; {_REMEDY}, or unset {SETTING}."
    if problem or _choice["refusal"]:
        sys.meta_path.insert(0, _SourcesOnly(f"{os.path.basename(package)}.", _choice["refusal"]))


def why_not_compiled(package: str) -> str | None:
    """Return why the extensions of a package cannot be used, or None when all of them are made of today's sources."""
    try:
        with open(os.path.join(package, STAMP), encoding="utf-8") as file:
            first, *lines = file.read().splitlines()
        if first != EXTENSION_SUFFIXES[0]:
            return "it was compiled for another Python"
        known = {}
        for line in lines:
            name, size, changed, content = line.split(" ")
            known[name] = (int(size), int(changed), content)
    except FileNotFoundError:
        return "it was not compiled"
    except (OSError, ValueError):
        return f"{STAMP} cannot be read"
    try:
        return _difference(package, first, known)
    except OSError as error:
        return f"{error.filename} cannot be read"


def stamp(package: str, modules: list[str], ordinary: list[str], shared: str) -> str:
    """Return what the build writes beside its extensions.

    `modules` are compiled and `ordinary` are not, as `indicators/kinds/ema`; `shared` is an extension without a source.
    """
    lines = [EXTENSION_SUFFIXES[0], f"{shared} 0 0 {_ALONE}"]
    for name in modules:
        path = os.path.join(package, name + ".py")
        status = os.stat(path)
        lines.append(f"{name} {status.st_size} {status.st_mtime_ns} {_content(path)}")
    return "\n".join([*lines, *(f"{name} 0 0 {_ORDINARY}" for name in ordinary)]) + "\n"


def _difference(package: str, suffix: str, known: dict[str, tuple[int, int, str]]) -> str | None:
    for folder in sorted({os.path.dirname(name) for name in known}):
        present = set(os.listdir(os.path.join(package, folder)))
        for file in present:
            name = f"{folder}/{file}".removeprefix("/")
            if file.endswith(suffix) and name.removesuffix(suffix) not in known:
                return f"{name} belongs to no module"
            if file.endswith(".py") and name.removesuffix(".py") not in known and _is_marked(package, name):
                return f"{name} was added since it was compiled"
        for name, (size, changed, content) in known.items():
            if content == _ORDINARY or os.path.dirname(name) != folder:
                continue
            if os.path.basename(name) + suffix not in present:
                return f"{name}{suffix} is missing"
            if content != _ALONE and _is_changed(os.path.join(package, name + ".py"), size, changed, content):
                return f"{name}.py was changed since it was compiled"
    return None


def _is_changed(path: str, size: int, changed: int, content: str) -> bool:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return True
    if status.st_size != size:
        return True
    # As for .pyc files, the same size and time is the same content; an installed file has a time of its own.
    return status.st_mtime_ns != changed and _content(path) != content


def _content(path: str) -> str:
    with open(path, "rb") as file:
        return source_hash(_KEY, file.read()).hex()


def _is_marked(package: str, name: str) -> bool:
    with open(os.path.join(package, name), "rb") as file:
        return MARK in file.read()


class _SourcesOnly:
    """Finds the modules of one package by their sources, whatever extensions lie beside them."""

    def __init__(self, prefix: str, refusal: str) -> None:
        self._prefix = prefix
        self._refusal = refusal
        self._finders: dict[str, FileFinder] = {}

    def find_spec(self, name: str, path: Sequence[str] | None, _: ModuleType | None = None) -> ModuleSpec | None:
        """Return where the source of a module is; of other packages nothing is said."""
        if not name.startswith(self._prefix):
            return None
        for folder in path or ():
            if folder not in self._finders:
                self._finders[folder] = FileFinder(folder, (SourceFileLoader, [".py"]))
            spec = self._finders[folder].find_spec(name)
            if spec is not None:
                self._refuse(spec)
                return spec
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    def invalidate_caches(self) -> None:
        """Forget which files are where."""
        self._finders.clear()

    def _refuse(self, spec: ModuleSpec) -> None:
        if self._refusal and spec.origin:
            with open(spec.origin, "rb") as file:
                if MARK in file.read():
                    raise ImportError(self._refusal, name=spec.name, path=spec.origin)
