"""Compile the kernel: the modules below, plain typed Python, through Cython into extension modules beside their sources.

One source: the `.py` is what runs interpreted and what is compiled. Types come from its annotations: for every class
and function a declaration file (`.pxd`) is made in the build folder, with `int` as a 64-bit integer, `float` as a
double and `bool` as a C truth value. Numeric constants in capitals are written in place. Line numbers stay.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

MARK = "# kernel: compiled by scripts/kernel_build.py"
STAMP = "kernel.json"
_SCALARS = {"int": "long long", "float": "double", "bool": "bint", "str": "str", "bytes": "bytes", "Exact": "object"}
_BUFFERS = {"Ints": "long long[::1]", "Floats": "double[::1]"}
_LOCALS = {"int": "cython.longlong", "float": "cython.double", "bool": "cython.bint"}
_RAISES = {"bint": " except -1", "long long": " except? -1", "double": " except? -1"}
_CONTAINERS = ("list", "dict", "set", "tuple")
_DIRECTIVES = {
    "language_level": "3",
    "infer_types": "True",
    "boundscheck": "False",
    "wraparound": "False",
    "initializedcheck": "False",
    "cdivision": "False",
    "embedsignature": "False",
}
_SUFFIX = str(sysconfig.get_config_var("EXT_SUFFIX"))
_INCLUDE = sysconfig.get_path("include")
_FLAGS = ["-O2", "-fno-strict-aliasing", "-ffp-contract=off", "-fwrapv", "-w", "-fvisibility=hidden", "-g0"]


def kernel_modules(package: Path) -> dict[str, Path]:
    """Return the kernel's modules by dotted name: those that carry the mark on a line of their own."""
    found: dict[str, Path] = {}
    for path in sorted(package.rglob("*.py")):
        if "server/ui" not in str(path) and f"\n{MARK}\n" in path.read_text():
            found[".".join(path.relative_to(package.parent).with_suffix("").parts)] = path
    return found


class Module:
    """One source with what others may import from it."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.path = path
        self.text = path.read_text()
        self.tree = ast.parse(self.text)
        self.classes = {
            node.name for node in self.tree.body if isinstance(node, ast.ClassDef) and _is_kernel_class(node)
        }
        self.functions = {
            node.name for node in self.tree.body if isinstance(node, ast.FunctionDef) and _can_be_cpdef(node)
        }
        self.constants: dict[str, str] = {}


def main() -> None:
    """Compile what changed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--package", type=Path, default=Path("src/papertape"))
    parser.add_argument("--build", type=Path, default=Path(".setup/kernel-build"))
    arguments = parser.parse_args()
    build(arguments.package.resolve(), arguments.build.resolve())


def build(package: Path, folder: Path) -> None:
    """Compile the kernel of `package`, working in `folder`; unchanged modules are not compiled again."""
    modules = {name: Module(name, path) for name, path in kernel_modules(package).items()}
    _resolve_constants(modules)
    source = folder / "source"
    for module in modules.values():
        target = source / module.path.relative_to(package.parent)
        _write(target, _rewritten(module, modules))
        _write(target.with_suffix(".pxd"), _declarations(module, modules))
    for directory in {
        parent
        for module in modules.values()
        for parent in (source / module.path.relative_to(package.parent)).parents
        if source in parent.parents
    }:
        _write(directory / "__init__.py", "")
        _write(directory / "__init__.pxd", "")
    jobs = [(module, source / module.path.relative_to(package.parent)) for module in modules.values()]
    declared = hashlib.sha256(
        "".join((target.with_suffix(".pxd")).read_text() for _, target in jobs).encode()
    ).hexdigest()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda job: _compile(job[0], job[1], source, declared), jobs))
    (package / STAMP).write_text(
        json.dumps(
            {name: hashlib.sha256(module.path.read_bytes()).hexdigest() for name, module in modules.items()}, indent=1
        )
    )


def _compile(module: Module, target: Path, source: Path, declared: str) -> None:
    result = module.path.with_suffix(_SUFFIX)
    key = hashlib.sha256(
        (target.read_text() + declared + str(_FLAGS) + str(_DIRECTIVES) + _SUFFIX).encode()
    ).hexdigest()
    stamp = target.with_suffix(".key")
    if result.exists() and stamp.exists() and stamp.read_text() == key:
        return
    options = [argument for name, value in _DIRECTIVES.items() for argument in ("-X", f"{name}={value}")]
    _run([sys.executable, "-m", "cython", *options, "--module-name", module.name, str(target)], source)
    built = target.with_suffix(".so")
    compiler = os.environ.get("CC", "cc")
    _run(
        [compiler, "-shared", "-fPIC", *_FLAGS, f"-I{_INCLUDE}", str(target.with_suffix(".c")), "-o", str(built)],
        source,
    )
    shutil.copyfile(built, result)
    stamp.write_text(key)


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def _resolve_constants(modules: dict[str, Module]) -> None:
    for _ in range(4):  # a constant may be made of one from another module
        for module in modules.values():
            known = _visible_constants(module, modules)
            for node in module.tree.body:
                if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                    value = _number(node.value, known)
                    name = node.targets[0].id
                    if value is not None and name.isupper():
                        module.constants[name] = known[name] = value
                elif (
                    isinstance(node, ast.Assign)
                    and isinstance(node.targets[0], ast.Tuple)
                    and isinstance(node.value, ast.Tuple)
                ):
                    for target, part in zip(node.targets[0].elts, node.value.elts, strict=True):
                        value = _number(part, known)
                        if value is not None and isinstance(target, ast.Name) and target.id.isupper():
                            module.constants[target.id] = known[target.id] = value


def _visible_constants(module: Module, modules: dict[str, Module]) -> dict[str, str]:
    known = dict(module.constants)
    for node in module.tree.body:
        if isinstance(node, ast.ImportFrom) and node.module in modules:
            for alias in node.names:
                if alias.name in modules[node.module].constants:
                    known[alias.asname or alias.name] = modules[node.module].constants[alias.name]
    return known


def _number(node: ast.expr, known: dict[str, str]) -> str | None:
    allowed = (ast.Constant, ast.Name, ast.UnaryOp, ast.BinOp, ast.operator, ast.unaryop, ast.Load)
    if not all(isinstance(part, allowed) for part in ast.walk(node)):
        return None
    names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    if not names <= known.keys():
        return None
    value = eval(compile(ast.Expression(node), "", "eval"), {}, {name: eval(known[name]) for name in names})
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) >= 2**63:
        return None
    return f"({value!r})"


def _bare_signature(node: ast.FunctionDef, lines: list[str]) -> list[tuple[int, int, int, str]]:
    edits = []
    for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
        if argument.annotation is not None:
            start = argument.col_offset + len(argument.arg.encode())
            edits.append((argument.lineno, start, argument.end_col_offset or 0, ""))
    if node.returns is not None:
        line = lines[node.returns.lineno - 1].encode()
        edits.append(
            (node.returns.lineno, line.rindex(b"->", 0, node.returns.col_offset), node.returns.end_col_offset or 0, "")
        )
    return edits


def _is_kernel_class(node: ast.ClassDef) -> bool:
    bases = {ast.unparse(base) for base in node.bases}
    return not bases & {"Protocol", "NamedTuple", "msgspec.Struct", "Struct", "TypedDict", "Enum"} and not node.keywords


def _can_be_cpdef(node: ast.FunctionDef) -> bool:
    if node.decorator_list or node.args.kwonlyargs or node.args.vararg or node.args.kwarg:
        return False
    if node.name.startswith("__"):
        return False
    return not any(
        isinstance(part, ast.Yield | ast.YieldFrom | ast.Lambda | ast.GeneratorExp) for part in ast.walk(node)
    )


def _declarations(module: Module, modules: dict[str, Module]) -> str:
    lines: list[str] = []
    types = dict.fromkeys(module.classes)
    for node in module.tree.body:
        if isinstance(node, ast.ImportFrom) and node.module in modules:
            for alias in node.names:
                other = modules[node.module]
                if alias.name in other.classes or alias.name in other.functions:
                    lines.append(f"from {node.module} cimport {alias.name}")
                if alias.name in other.classes:
                    types[alias.asname or alias.name] = None
    for node in module.tree.body:
        if isinstance(node, ast.ClassDef) and node.name in module.classes:
            bases = [ast.unparse(base) for base in node.bases if ast.unparse(base) in types]
            lines.append(f"cdef class {node.name}{f'({bases[0]})' if bases else ''}:")
            body = []
            for part in node.body:
                if isinstance(part, ast.AnnAssign) and part.value is None and isinstance(part.target, ast.Name):
                    body.append(f"    cdef public {_c_type(part.annotation, types)} {part.target.id}")
                elif isinstance(part, ast.FunctionDef) and _can_be_cpdef(part):
                    body.append(f"    {_signature(part, types, is_method=True)}")
            lines += body or ["    pass"]
        elif isinstance(node, ast.FunctionDef) and node.name in module.functions:
            lines.append(_signature(node, types, is_method=False))
    return "\n".join(lines) + "\n"


def _signature(node: ast.FunctionDef, types: dict[str, None], *, is_method: bool) -> str:
    arguments = node.args.posonlyargs + node.args.args
    first_default = len(arguments) - len(node.args.defaults)
    parts = []
    for index, argument in enumerate(arguments):
        if is_method and index == 0:
            parts.append("self")
            continue
        kind = "object" if argument.annotation is None else _c_type(argument.annotation, types)
        parts.append(f"{kind} {argument.arg}{'=*' if index >= first_default else ''}")
    result = "object" if node.returns is None else _c_type(node.returns, types)
    if node.returns is not None and ast.unparse(node.returns) == "None":
        result = "bint"
    return f"cpdef {result} {node.name}({', '.join(parts)}){_RAISES.get(result, '')}"


def _c_type(annotation: ast.expr, types: dict[str, None]) -> str:
    text = ast.unparse(annotation)
    if text in _SCALARS:
        return _SCALARS[text]
    if text in _BUFFERS:
        return _BUFFERS[text]
    bare = text.removesuffix(" | None")
    if bare in types:
        return bare
    outer = text.partition("[")[0]
    return outer if outer in _CONTAINERS else "object"


def _rewritten(module: Module, modules: dict[str, Module]) -> str:
    lines = module.text.splitlines()
    edits: list[tuple[int, int, int, str]] = []
    constants = _visible_constants(module, modules)
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in constants:
            edits.append((node.lineno, node.col_offset, node.end_col_offset or 0, constants[node.id]))
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef):
            edits += _bare_signature(node, lines)
            if _can_be_cpdef(node) and node.returns is not None and ast.unparse(node.returns) == "None":
                edits += [
                    (part.lineno, part.col_offset, part.end_col_offset or 0, "return False")
                    for part in ast.walk(node)
                    if isinstance(part, ast.Return) and part.value is None
                ]
        elif isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) in _LOCALS:
            part = node.annotation
            edits.append((part.lineno, part.col_offset, part.end_col_offset or 0, _LOCALS[ast.unparse(part)]))
    for row, start, end, text in sorted(edits, reverse=True):
        line = lines[row - 1].encode()
        lines[row - 1] = (line[:start] + text.encode() + line[end:]).decode()
    for node in module.tree.body:
        if isinstance(node, ast.ImportFrom) and node.module in modules:
            other = modules[node.module]
            kept = [a for a in node.names if a.name not in other.classes and a.name not in other.functions]
            statement = f"from {node.module} import {', '.join(a.name for a in kept)}" if kept else ""
            lines[node.lineno - 1] = statement
            for row in range(node.lineno, node.end_lineno or node.lineno):
                lines[row] = ""
        if isinstance(node, ast.ClassDef) and node.name in module.classes:
            for part in node.body:
                if isinstance(part, ast.AnnAssign) and part.value is None:
                    lines[part.lineno - 1] = ""
    at = next(row for row, line in enumerate(lines) if line.startswith("from __future__"))
    lines[at] += "; import cython"
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
