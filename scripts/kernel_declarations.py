"""Make what Cython reads of a kernel module: its declarations (`.pxd`) and its source without annotations.

Lines keep their numbers, so that a traceback or a message of Cython's points into the source.
"""

from __future__ import annotations

import ast
from itertools import accumulate

from kernel_source import (
    MARK,
    KernelClass,
    Module,
    Modules,
    c_type,
    class_names,
    is_fast,
    methods,
    routine,
    visible_constants,
    written,
)

# Cython writes a negative decimal wrongly where it stands for an error of a final class; a hexadecimal it leaves alone.
_RAISES = {"bint": " except -1", "long long": " except? 0x7FFFFFFFFFFFFFF1", "double": " except? -1"}
_LOCALS = {
    "long long": "cython.longlong",
    "double": "cython.double",
    "bint": "cython.bint",
    "long long[::1]": "cython.longlong[::1]",
    "double[::1]": "cython.double[::1]",
}

_POINTERS = {"long long[::1]": "cython.p_longlong", "double[::1]": "cython.p_double"}

# What Python itself asks of C's library. Where it raises (the root or logarithm of a negative), C gives no number.
_OF_C = {name: name for name in ("copysign", "exp", "fabs", "isfinite", "isinf", "isnan", "log", "log10", "sqrt")}
_OF_C |= {"nan": "NAN", "inf": "INFINITY"}

Classes = dict[str, tuple[Module, KernelClass]]
Edit = tuple[int, int, str]
"""The first byte, the byte after the last one, and what stands there instead."""


def declarations(module: Module, modules: Modules) -> str:
    """Return the text of a module's `.pxd`."""
    classes = class_names(module, modules)
    lines = [
        _cimport(local, source, name)
        for local, (source, name) in module.imports.items()
        if _is_cimported(source, name, modules)
    ]
    lines.insert(0, "cimport cython")
    parents = {one.parent for other in modules.values() for one in other.classes.values()}
    for node in module.tree.body:
        if isinstance(node, ast.ClassDef) and node.name in module.classes:
            # A class outside any line of inheritance is called without a look at what may override it.
            is_alone = node.name not in parents and not module.classes[node.name].parent
            lines += ["@cython.final"] if is_alone else []
            lines += _class_lines(module.classes[node.name], classes)
        elif isinstance(node, ast.FunctionDef) and node.name in module.functions:
            line = _signature(node, classes, is_method=False)
            lines.append(line.replace("cpdef", "cdef", 1) if _is_inner(node.name, module, modules) else line)
    return "\n".join(lines) + "\n"


def rewritten(module: Module, modules: Modules) -> str:
    """Return a module's source as Cython compiles it.

    Raises:
        KernelProblem: something in it is written as this module cannot rewrite it.
    """
    text = _Text(module.text)
    classes = class_names(module, modules)
    edits = _constant_edits(module, modules, text)
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            edits += _signature_edits(node, text)
            locals_said = [part for part in ast.walk(node) if isinstance(part, ast.AnnAssign)]
            edits += [edit for part in locals_said for edit in _local_edits(part, classes, text)]
    for function in _fast_functions(module):
        if _returns_nothing(function):
            edits += [text.edit(part, "return False") for part in ast.walk(function) if _is_empty_return(part)]
    for statement in module.tree.body:
        if isinstance(statement, ast.AnnAssign):
            edits.append(_unannotated(statement, text))
        elif isinstance(statement, ast.ImportFrom) and (statement.module in modules or statement.module == "math"):
            edits.append(text.edit(statement, _import_kept(statement, modules)))
        elif isinstance(statement, ast.ClassDef) and statement.name in module.classes:
            edits += [_unannotated(member, text) for member in statement.body if isinstance(member, ast.AnnAssign)]
    result = _with_cython(text.edited(edits), module)
    try:
        ast.parse(result)
    except SyntaxError as error:
        place = ast.Pass(lineno=error.lineno or 1, col_offset=0)
        raise module.refuse(place, "the annotations here are not understood; write them plainer.") from error
    return result + _names_kept(module, modules)


class _Text:
    """A source by bytes, as the places of its syntax tree are counted."""

    def __init__(self, text: str) -> None:
        self.bytes = text.encode()
        lines = self.bytes.splitlines(keepends=True)
        self._starts = [0, *accumulate(len(line) for line in lines)]

    def at(self, line: int, column: int) -> int:
        return self._starts[line - 1] + column

    def start(self, node: ast.expr | ast.stmt | ast.arg) -> int:
        return self.at(node.lineno, node.col_offset)

    def end(self, node: ast.expr | ast.stmt | ast.arg) -> int:
        return self.at(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def edit(self, node: ast.AST, replacement: str) -> Edit:
        assert isinstance(node, ast.expr | ast.stmt)
        return self.start(node), self.end(node), replacement

    def edited(self, edits: list[Edit]) -> str:
        outer: list[Edit] = []
        for edit in sorted(set(edits), key=lambda edit: (edit[0], -edit[1])):
            if not outer or edit[0] >= outer[-1][1]:
                outer.append(edit)
        result = self.bytes
        for start, end, replacement in reversed(outer):
            kept_lines = b"\n" * result.count(b"\n", start, end)
            result = result[:start] + replacement.encode() + kept_lines + result[end:]
        return result.decode()


def _class_lines(kernel_class: KernelClass, classes: Classes) -> list[str]:
    parent = f"({kernel_class.parent})" if kernel_class.parent else ""
    body = [f"    cdef public {c_type(annotation, classes)} {name}" for name, annotation in kernel_class.attributes]
    body += [
        f"    {_signature(method, classes, is_method=True)}" for method in methods(kernel_class) if is_fast(method)
    ]
    return [f"cdef class {kernel_class.name}{parent}:", *(body or ["    pass"])]


def _is_inner(name: str, module: Module, modules: Modules) -> bool:
    """Return whether nothing but this module calls a function, so that C alone needs to know it."""
    if not name.startswith("_"):
        return False
    if any(
        source == module.name and one == name for other in modules.values() for source, one in other.imports.values()
    ):
        return False
    calls = {id(part.func) for part in ast.walk(module.tree) if isinstance(part, ast.Call)}
    return all(id(part) in calls for part in ast.walk(module.tree) if isinstance(part, ast.Name) and part.id == name)


def _signature(node: ast.FunctionDef, classes: Classes, *, is_method: bool) -> str:
    made = routine(node, classes, is_method=is_method)
    parameters = [f"{kind} {name}{'=*' if has_default else ''}" for name, kind, has_default in made.parameters]
    if is_method:
        parameters.insert(0, node.args.args[0].arg)
    return f"cpdef {made.result} {made.name}({', '.join(parameters)}){_RAISES.get(made.result, '')}"


def _cimport(local: str, source: str, name: str) -> str:
    if source == "math":
        source, name = "libc.math", _OF_C[name]
    return f"from {source} cimport {name}" + (f" as {local}" if local != name else "")


def _is_cimported(source: str, name: str, modules: Modules) -> bool:
    if source == "math":
        return name in _OF_C
    return source in modules and (name in modules[source].classes or name in modules[source].functions)


def _constant_edits(module: Module, modules: Modules, text: _Text) -> list[Edit]:
    constants = visible_constants(module, modules)
    # Inside an f-string Python 3.11 does not say the place: there the name is looked up as ever.
    unplaced = {
        id(part) for node in ast.walk(module.tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)
    }
    return [
        text.edit(node, written(constants[node.id]))
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Name)
        and isinstance(node.ctx, ast.Load)
        and node.id in constants
        and id(node) not in unplaced
    ]


def _signature_edits(node: ast.FunctionDef | ast.AsyncFunctionDef, text: _Text) -> list[Edit]:
    edits = []
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    arguments += [extra for extra in (node.args.vararg, node.args.kwarg) if extra is not None]
    for argument in arguments:
        if argument.annotation is not None:
            name_end = text.start(argument) + len(argument.arg.encode())
            edits.append((name_end, text.end(argument.annotation), ""))
    if node.returns is not None:
        arrow = text.bytes.rindex(b"->", 0, text.start(node.returns))
        edits.append((arrow, text.end(node.returns), ""))
    return edits


def _local_edits(node: ast.AnnAssign, classes: Classes, text: _Text) -> list[Edit]:
    if not isinstance(node.target, ast.Name):
        return [_unannotated(node, text)]
    kind = c_type(node.annotation, classes)
    if kind in _POINTERS and isinstance(node.value, ast.Attribute):
        # A view would be counted, atomically; the owner keeps the buffer while the function runs.
        place = f"cython.address({ast.unparse(node.value)}[0])"
        return [text.edit(node.annotation, _POINTERS[kind]), text.edit(node.value, place)]
    return [text.edit(node.annotation, _LOCALS.get(kind, kind))]


def _fast_functions(module: Module) -> list[ast.FunctionDef]:
    written_in_classes = [method for kernel_class in module.classes.values() for method in methods(kernel_class)]
    return [*module.functions.values(), *(method for method in written_in_classes if is_fast(method))]


def _returns_nothing(node: ast.FunctionDef) -> bool:
    return isinstance(node.returns, ast.Constant) and node.returns.value is None


def _is_empty_return(node: ast.AST) -> bool:
    return isinstance(node, ast.Return) and (
        node.value is None or (isinstance(node.value, ast.Constant) and node.value.value is None)
    )


def _unannotated(node: ast.AnnAssign, text: _Text) -> Edit:
    if node.value is None:
        return text.edit(node, "pass")
    return text.end(node.target), text.end(node.annotation), ""


def _import_kept(node: ast.ImportFrom, modules: Modules) -> str:
    kept = [ast.unparse(alias) for alias in node.names if not _is_cimported(node.module or "", alias.name, modules)]
    return f"from {node.module} import {', '.join(kept)}" if kept else "pass"


def _with_cython(text: str, module: Module) -> str:
    future = next(
        (node for node in module.tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"), None
    )
    if future is None:
        return text.replace(f"\n{MARK}\n", "\nimport cython\n", 1)
    lines = text.split("\n")
    lines[(future.end_lineno or future.lineno) - 1] += "; import cython"
    return "\n".join(lines)


def _names_kept(module: Module, modules: Modules) -> str:
    # What C imports is no name of the module for Python; whoever imports it from here shall find it.
    names = [
        (local, source, name)
        for local, (source, name) in module.imports.items()
        if _is_cimported(source, name, modules)
    ]
    if not names:
        return ""
    told = ", ".join(f"({local!r}, {source!r}, {name!r})" for local, source, name in names)
    return (
        f"for _local, _source, _name in ({told},):\n"
        "    globals()[_local] = getattr(__import__(_source, None, None, [_name]), _name)\n"
        "del _local, _source, _name\n"
    )
