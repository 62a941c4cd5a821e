"""The budgets of the code: what is too long to be read at once is split, not excused."""

from __future__ import annotations

import ast
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
ALL = sorted(path for folder in ("src", "tests", "scripts", "bench") for path in (ROOT / folder).rglob("*.py"))

FUNCTION_LINES, FUNCTION_MEDIAN = 60, 10
MODULE_LINES, MODULE_MEDIAN = 400, 150

KERNEL_LOOPS: frozenset[str] = frozenset()
"""Kernel loops that may exceed the limit, as `src/papertape/engine/kernel.py:scan`."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _functions(path: Path) -> list[Function]:
    tree = ast.parse(path.read_text())
    return [node for node in ast.walk(tree) if isinstance(node, Function)]


def _length(function: Function) -> int:
    """Count the lines of a function without its decorators and its docstring."""
    end = function.end_lineno or function.lineno
    first = function.body[0]
    is_documented = ast.get_docstring(function, clean=False) is not None
    docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if is_documented else 0
    return end - function.lineno + 1 - docstring


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def _name(path: Path, function: Function) -> str:
    return f"{path.relative_to(ROOT)}:{function.name}"


def test_no_function_is_longer_than_its_budget() -> None:
    too_long = {
        _name(path, function): _length(function)
        for path in ALL
        for function in _functions(path)
        if _length(function) > FUNCTION_LINES and _name(path, function) not in KERNEL_LOOPS
    }
    assert too_long == {}, f"functions of more than {FUNCTION_LINES} lines: split them"


def test_no_module_is_longer_than_its_budget() -> None:
    too_long = {str(path.relative_to(ROOT)): _lines(path) for path in ALL if _lines(path) > MODULE_LINES}
    assert too_long == {}, f"modules of more than {MODULE_LINES} lines: split them"


def test_the_median_function_and_module_of_the_product_are_short() -> None:
    functions = median(_length(function) for path in SOURCES for function in _functions(path))
    modules = median(_lines(path) for path in SOURCES if path.name != "__init__.py")
    assert (functions <= FUNCTION_MEDIAN, modules <= MODULE_MEDIAN) == (True, True), (functions, modules)


def test_every_excused_kernel_loop_exists_and_needs_its_excuse() -> None:
    lengths = {_name(path, function): _length(function) for path in SOURCES for function in _functions(path)}
    assert {name for name in KERNEL_LOOPS if lengths.get(name, 0) <= FUNCTION_LINES} == set()
