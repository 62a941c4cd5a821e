"""Read the kernel's modules: which classes and functions are compiled with C types, and what breaks the rules.

A kernel module carries the mark on a line of its own after its docstring. Its annotations say the C types: `int` is a
64-bit integer, `float` a double, `bool` a C truth value, `Ints` and `Floats` are typed buffers, a kernel class (or that
`| None`) is itself, and everything else is any object. `sqrt` and its like of `math` are C's: see to it that their
argument has a result, for where Python raises, C goes on with NaN or infinity.
"""

from __future__ import annotations

import ast
import math
import os
from dataclasses import dataclass, field
from pathlib import Path

MARK = "# kernel: compiled by scripts/kernel_build.py"

_SCALARS = {"int": "long long", "float": "double", "bool": "bint"}
_BUFFERS = {"Ints": "long long[::1]", "Floats": "double[::1]"}
_CONTAINERS = ("list", "dict", "set", "bytes")  # str and tuple have subclasses in use, which C types refuse
_UNSAYABLE = ast.Yield | ast.YieldFrom | ast.Await | ast.Lambda | ast.GeneratorExp | ast.FunctionDef
_CONSTANT_PARTS = (ast.Constant, ast.Name, ast.UnaryOp, ast.BinOp, ast.operator, ast.unaryop, ast.Load)
_MORE_UNSAYABLE = ast.AsyncFunctionDef | ast.ClassDef
_RESERVED = frozenset(["DEF", "ELIF", "IF", "NULL", "cdef", "cimport", "complex", "cpdef", "ctypedef", "include"])
_C_INT = 1 << 31
_C_LONG_LONG = 1 << 63


class KernelProblem(Exception):
    """A kernel module that breaks a rule, or a tool that is missing; the message is a sentence."""


@dataclass(frozen=True)
class Routine:
    """The C signature of a function or method: what a caller in another module may rely on."""

    name: str
    parameters: tuple[tuple[str, str, bool], ...]
    result: str

    def types(self) -> tuple[object, ...]:
        """Return what an override must have the same."""
        return (self.result, *((kind, has_default) for _, kind, has_default in self.parameters))


@dataclass
class KernelClass:
    """A class that is compiled: its parent, its attributes and its methods, in the order they are written."""

    name: str
    node: ast.ClassDef
    parent: str | None
    attributes: list[tuple[str, ast.expr]] = field(default_factory=list)


class Module:
    """One source, with what others may use of it."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.path = path
        self.text = path.read_text()
        self.tree = ast.parse(self.text, str(path))
        self.imports = {
            alias.asname or alias.name: (node.module or "", alias.name)
            for node in self.tree.body
            if isinstance(node, ast.ImportFrom) and not node.level
            for alias in node.names
        }
        self.functions = {
            node.name: node for node in self.tree.body if isinstance(node, ast.FunctionDef) and is_fast(node)
        }
        self.classes: dict[str, KernelClass] = {}
        self.constants: dict[str, int | float] = {}

    def refuse(self, node: ast.AST, problem: str) -> KernelProblem:
        """Return the exception for a problem at a place of this source."""
        return KernelProblem(f"{shown(self.path)}:{getattr(node, 'lineno', 1)}: {problem}")


Modules = dict[str, Module]


def shown(path: Path) -> str:
    """Return the path as a reader at this folder would write it."""
    return os.path.relpath(path)


def read_modules(package: Path) -> Modules:
    """Return the kernel's modules of a package by dotted name, resolved against each other.

    Raises:
        KernelProblem: a module breaks a rule; the sentence names its file and line.
    """
    modules: Modules = {}
    for path in sorted(package.rglob("*.py")):
        if f"\n{MARK}\n" in path.read_text():
            name = ".".join(path.relative_to(package.parent).with_suffix("").parts)
            modules[name] = Module(name, path)
    for module in modules.values():
        for node in module.tree.body:
            if isinstance(node, ast.ClassDef) and not node.decorator_list and not node.keywords:
                module.classes[node.name] = KernelClass(node.name, node, None)
    while any(_drop_ordinary(module, modules) for module in modules.values()):
        pass
    for module in modules.values():
        for kernel_class in module.classes.values():
            kernel_class.attributes = _attributes(module, kernel_class.node)
    _resolve_constants(modules)
    for module in modules.values():
        _check(module, modules)
    return modules


def is_fast(node: ast.FunctionDef) -> bool:
    """Return whether a function becomes one that C calls; the others are compiled, but called as Python calls."""
    arguments = node.args
    if node.decorator_list or arguments.kwonlyargs or arguments.posonlyargs or arguments.vararg or arguments.kwarg:
        return False
    if node.name.startswith("__"):
        return False
    return not any(
        isinstance(part, _UNSAYABLE | _MORE_UNSAYABLE) for statement in node.body for part in ast.walk(statement)
    )


def class_names(module: Module, modules: Modules) -> dict[str, tuple[Module, KernelClass]]:
    """Return the kernel classes a module sees, by the name it sees them under."""
    seen = {name: (module, kernel_class) for name, kernel_class in module.classes.items()}
    for local, (source, name) in module.imports.items():
        if source in modules and name in modules[source].classes:
            seen[local] = (modules[source], modules[source].classes[name])
    return seen


def visible_constants(module: Module, modules: Modules) -> dict[str, int | float]:
    """Return the numbers in capitals that a module sees, its own and the imported."""
    imported = {
        local: modules[source].constants[name]
        for local, (source, name) in module.imports.items()
        if source in modules and name in modules[source].constants
    }
    return imported | module.constants


def c_type(annotation: ast.expr | None, classes: dict[str, tuple[Module, KernelClass]]) -> str:
    """Return the C type an annotation stands for."""
    if annotation is None:
        return "object"
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        annotation = ast.parse(annotation.value, mode="eval").body
    text = ast.unparse(annotation)
    if text in _SCALARS:
        return _SCALARS[text]
    bare = text.removesuffix(" | None").removeprefix("None | ")
    if bare in _BUFFERS:
        return _BUFFERS[bare]
    if bare in classes:
        return bare
    outer = bare.partition("[")[0]
    return outer if outer in _CONTAINERS and " | " not in bare.rpartition("]")[2] else "object"


def routine(node: ast.FunctionDef, classes: dict[str, tuple[Module, KernelClass]], *, is_method: bool) -> Routine:
    """Return the C signature of a fast function; a method's first parameter is left out."""
    arguments = node.args.args
    first_default = len(arguments) - len(node.args.defaults)
    parameters = tuple(
        (argument.arg, c_type(argument.annotation, classes), index >= first_default)
        for index, argument in enumerate(arguments)
        if not (is_method and index == 0)
    )
    returns_nothing = isinstance(node.returns, ast.Constant) and node.returns.value is None
    return Routine(node.name, parameters, "bint" if returns_nothing else c_type(node.returns, classes))


def methods(kernel_class: KernelClass) -> list[ast.FunctionDef]:
    """Return the functions written in a class."""
    return [part for part in kernel_class.node.body if isinstance(part, ast.FunctionDef)]


def _drop_ordinary(module: Module, modules: Modules) -> bool:
    seen = class_names(module, modules)
    for name, kernel_class in list(module.classes.items()):
        bases = [ast.unparse(base) for base in kernel_class.node.bases if ast.unparse(base) != "object"]
        if len(bases) > 1 or any(base not in seen for base in bases):
            del module.classes[name]
            return True
        kernel_class.parent = bases[0] if bases else None
    return False


def _attributes(module: Module, node: ast.ClassDef) -> list[tuple[str, ast.expr]]:
    declared = [
        (part.target.id, part.annotation, part)
        for part in node.body
        if isinstance(part, ast.AnnAssign) and part.value is None and isinstance(part.target, ast.Name)
    ]
    slots = next(
        (
            part.value
            for part in node.body
            if isinstance(part, ast.Assign) and ast.unparse(part.targets[0]) == "__slots__"
        ),
        None,
    )
    if slots is None:
        raise module.refuse(
            node, f"the kernel class {node.name} has no __slots__; name its attributes there, () if it adds none."
        )
    listed = ast.literal_eval(slots)
    names = {listed} if isinstance(listed, str) else set(listed)
    for name, _, place in declared:
        if name not in names:
            raise module.refuse(place, f"{node.name}.{name} is declared but not in __slots__; add it there.")
        if name in _RESERVED:
            raise module.refuse(place, f"{node.name}.{name}: {name!r} is a word of Cython; choose another name.")
    for name in sorted(names - {name for name, _, _ in declared}):
        raise module.refuse(slots, f"{node.name}.{name} is in __slots__ but has no type; declare it in the class.")
    return [(name, annotation) for name, annotation, _ in declared]


def _resolve_constants(modules: Modules) -> None:
    is_changed = True
    while is_changed:  # a constant may be made of one from another module
        is_changed = False
        for module in modules.values():
            known = visible_constants(module, modules)
            assigned = [pair for node in module.tree.body for pair in _assignments(node)]
            names = [name for name, _ in assigned]
            for name, value in assigned:
                if name in module.constants or not name.isupper() or names.count(name) > 1:
                    continue
                number = _number(value, known)
                if number is not None:
                    module.constants[name] = known[name] = number
                    is_changed = True


def _assignments(node: ast.stmt) -> list[tuple[str, ast.expr]]:
    if isinstance(node, ast.AnnAssign) and node.value is not None and isinstance(node.target, ast.Name):
        return [(node.target.id, node.value)]
    if not isinstance(node, ast.Assign) or len(node.targets) != 1:
        return []
    target, value = node.targets[0], node.value
    if isinstance(target, ast.Name):
        return [(target.id, value)]
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        pairs = zip(target.elts, value.elts, strict=True)
        return [(left.id, right) for left, right in pairs if isinstance(left, ast.Name)]
    return []


def _number(node: ast.expr, known: dict[str, int | float]) -> int | float | None:
    if not all(isinstance(part, _CONSTANT_PARTS) for part in ast.walk(node)):
        return None
    names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    if not names <= known.keys():
        return None
    value = eval(compile(ast.Expression(node), "constant", "eval"), {}, {name: known[name] for name in names})
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value if isinstance(value, float) or -_C_LONG_LONG <= value < _C_LONG_LONG else None


def written(number: float) -> str:
    """Return a constant as Cython's source says it; a large integer needs its C type said, or it is an object."""
    if isinstance(number, int) and not -_C_INT <= number < _C_INT:
        return f"cython.cast(cython.longlong, {number})"
    return f"({number!r})"


def _check(module: Module, modules: Modules) -> None:
    classes = class_names(module, modules)
    for part in ast.walk(module.tree):
        if (
            isinstance(part, ast.Subscript)
            and isinstance(part.slice, ast.UnaryOp)
            and isinstance(part.slice.op, ast.USub)
        ):
            what = ast.unparse(part)
            raise module.refuse(part, f"{what}: compiled, an index is not counted from the end; write len(…) - 1.")
    for node in module.tree.body:
        if not isinstance(node, ast.If):
            continue
        for part in ast.walk(node):
            if isinstance(part, ast.ImportFrom) and part.module in modules:
                raise module.refuse(
                    part, f"{part.module} is a kernel module; import it plainly, not under a condition."
                )
    for function in module.functions.values():
        _check_names(module, function)
    for kernel_class in module.classes.values():
        for method in methods(kernel_class):
            if is_fast(method):
                _check_names(module, method)
            _check_override(module, kernel_class, method, classes, modules)


def _check_names(module: Module, node: ast.FunctionDef) -> None:
    for name in (node.name, *(argument.arg for argument in node.args.args)):
        if name in _RESERVED:
            raise module.refuse(node, f"{node.name}: {name!r} is a word of Cython; choose another name.")


def _check_override(
    module: Module,
    kernel_class: KernelClass,
    method: ast.FunctionDef,
    classes: dict[str, tuple[Module, KernelClass]],
    modules: Modules,
) -> None:
    home, ancestor = module, kernel_class
    while ancestor.parent is not None:
        home, ancestor = class_names(home, modules)[ancestor.parent]
        same = next((other for other in methods(ancestor) if other.name == method.name), None)
        if same is None or not is_fast(same):
            continue
        place = f"{kernel_class.name}.{method.name} overrides {ancestor.name}.{method.name}"
        if not is_fast(method):
            raise module.refuse(
                method,
                f"{place}, which C calls; so it may have no decorator, generator, lambda, inner function, *, / or **.",
            )
        mine = routine(method, classes, is_method=True)
        theirs = routine(same, class_names(home, modules), is_method=True)
        if mine.types() != theirs.types():
            raise module.refuse(method, f"{place} with another signature; write the same types and defaults.")
        return
