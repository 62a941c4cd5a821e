"""What Cython is given of a kernel module, and that it gives what the source interpreted gives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

import kernel_build
from kernel_declarations import declarations, rewritten
from kernel_source import MARK, KernelProblem, Modules, read_modules
from papertape import kernel

HEAD = f'"""Sample."""\n\n{MARK}\n\nfrom __future__ import annotations\n\n'


def modules_of(folder: Path, **sources: str) -> Modules:
    package = folder / "sample"
    package.mkdir(exist_ok=True)
    (package / "__init__.py").write_text('"""Sample."""\n')
    for name, source in sources.items():
        (package / f"{name}.py").write_text(HEAD + dedent(source).lstrip("\n"))
    return read_modules(package)


def declared(folder: Path, **sources: str) -> str:
    modules = modules_of(folder, **sources)
    text = declarations(modules[f"sample.{list(sources)[-1]}"], modules)
    return text.removeprefix("cimport cython\n").replace("@cython.final\n", "") or "\n"


def test_a_class_outside_any_line_of_inheritance_is_final(tmp_path: Path) -> None:
    source = "\n".join(f"class {name}:\n    __slots__ = ()\n" for name in ("Alone", "Parent", "Child(Parent)"))
    modules = modules_of(tmp_path, family=source)
    assert declarations(modules["sample.family"], modules).splitlines() == [
        "cimport cython",
        *("@cython.final", "cdef class Alone:", "    pass"),
        *("cdef class Parent:", "    pass"),
        *("cdef class Child(Parent):", "    pass"),
    ]


def given(folder: Path, **sources: str) -> str:
    modules = modules_of(folder, **sources)
    text = rewritten(modules[f"sample.{list(sources)[-1]}"], modules)
    return text.removeprefix(HEAD.rstrip("\n")).removeprefix("; import cython\n").strip("\n")


def test_annotations_say_the_c_types_of_attributes(tmp_path: Path) -> None:
    source = """
        from sample.model import Exact, Floats, Ints

        class Node:
            __slots__ = ("a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k")
            a: int
            b: float
            c: bool
            d: Exact
            e: Ints
            f: Floats
            g: Node | None
            h: list[Node]
            i: int | None
            j: str
            k: dict[str, int] | None
    """
    kinds = [line.split("public ")[1] for line in declared(tmp_path, node=source).splitlines()[1:]]
    assert kinds == [
        "long long a", "double b", "bint c", "object d", "long long[::1] e", "double[::1] f", "Node g", "list h",
        "object i", "object j", "dict k",
    ]  # fmt: skip


def test_plain_functions_and_methods_are_called_by_c_and_the_others_are_not(tmp_path: Path) -> None:
    source = """
        class Node:
            __slots__ = ()

            def __init__(self, size: int) -> None:
                pass

            def step(
                self,
                ts: int,
                price: float = 1.0,
            ) -> None:
                return

            def name(self) -> str | None:
                return None

            @property
            def size(self) -> int:
                return 1

            def each(self) -> object:
                yield 1

            def only(self, *, by: int) -> int:
                return by

            def sorted(self, nodes: list[Node]) -> list[Node]:
                return sorted(nodes, key=lambda node: node.size)

        def scale(value: float, by: int = 2) -> float:
            return value * by
    """
    assert declared(tmp_path, node=source).splitlines() == [
        "cdef class Node:",
        "    cpdef bint step(self, long long ts, double price=*) except -1",
        "    cpdef object name(self)",
        "cpdef double scale(double value, long long by=*) except? -1",
    ]


def test_what_another_kernel_module_declares_is_imported_by_c_and_stays_importable(tmp_path: Path) -> None:
    parent = """
        class Node:
            __slots__ = ()

        def scale(value: float) -> float:
            return value
    """
    child = """
        from sample.parent import (
            Node,
            scale as scaled,
        )

        class Leaf(Node):
            __slots__ = ()
    """
    modules = modules_of(tmp_path, parent=parent, child=child)
    leaf = modules["sample.child"]
    assert declarations(leaf, modules).splitlines()[1:] == [
        "from sample.parent cimport Node",
        "from sample.parent cimport scale as scaled",
        "cdef class Leaf(Node):",
        "    pass",
    ]
    text = rewritten(leaf, modules).splitlines()
    assert [line for line in text if line.startswith("from sample")] == []
    assert text.index("class Leaf(Node):") == leaf.text.splitlines().index("class Leaf(Node):")
    assert "('scaled', 'sample.parent', 'scale')" in text[-3]


def test_roots_and_logarithms_are_those_of_c(tmp_path: Path) -> None:
    modules = modules_of(tmp_path, node="from math import isqrt, log, nan\n")
    assert declarations(modules["sample.node"], modules).splitlines()[1:] == [
        "from libc.math cimport log",
        "from libc.math cimport NAN as nan",
    ]
    assert "\nfrom math import isqrt\n" in rewritten(modules["sample.node"], modules)


def test_annotations_leave_the_source_and_its_lines_stay(tmp_path: Path) -> None:
    source = """
        SIZE: int = 3

        class Node:
            __slots__ = ("now",)
            now: int

            def step(
                self, ts: int,
                price: float = 1.0,
            ) -> None:
                last: Node | None = None
                count: int = 0
                if ts:
                    return
                return None
    """
    assert given(tmp_path, node=source) == dedent("""
        SIZE = 3

        class Node:
            __slots__ = ("now",)
            pass

            def step(
                self, ts,
                price = 1.0,
            ) :
                last: Node = None
                count: cython.longlong = 0
                if ts:
                    return False
                return False
    """).strip("\n")


def test_numbers_in_capitals_are_written_in_place_also_those_of_another_module(tmp_path: Path) -> None:
    first = "DAY, NEVER = 24 * 3600, -(1 << 62)\nRATE = DAY / 2\nNAME = 'x'\n"
    second = """
        from sample.first import DAY, NAME, NEVER, RATE

        WEEK = 7 * DAY

        def span() -> object:
            return (DAY, NEVER, RATE, WEEK, NAME, f"{DAY}")
    """
    assert given(tmp_path, first=first, second=second).splitlines()[-1].strip() == (
        'return ((86400), cython.cast(cython.longlong, -4611686018427387904), (43200.0), (604800), NAME, f"{DAY}")'
    )


def test_classes_that_c_cannot_hold_stay_python_beside_the_others(tmp_path: Path) -> None:
    source = """
        from typing import NamedTuple

        class Row(NamedTuple):
            ts: int
            value: float = 0.0

        class Problem(Exception):
            def clear(self) -> None:
                return
    """
    assert declared(tmp_path, rows=source) == "\n"
    assert "    ts: int\n    value: float = 0.0" in given(tmp_path, rows=source)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("class Node:\n    now: int\n", "node.py:7: the kernel class Node has no __slots__"),
        ("class Node:\n    __slots__ = ('now',)\n", "node.py:8: Node.now is in __slots__ but has no type"),
        ("class Node:\n    __slots__ = ()\n    now: int\n", "node.py:9: Node.now is declared but not in __slots__"),
        ("def scale(include: int) -> int:\n    return 1\n", "node.py:7: scale: 'include' is a word of Cython"),
        (
            "class A:\n    __slots__ = ()\n    def f(self, a: int) -> None: ...\n"
            "class B(A):\n    __slots__ = ()\n    def f(self, a: float) -> None: ...\n",
            "node.py:12: B.f overrides A.f with another signature",
        ),
        (
            "class A:\n    __slots__ = ()\n    def f(self) -> None: ...\n"
            "class B(A):\n    __slots__ = ()\n    def f(self) -> None:\n        (lambda: 1)()\n",
            "node.py:12: B.f overrides A.f, which C calls; so it may have no decorator",
        ),
    ],
)
def test_a_broken_rule_is_refused_with_file_and_line(tmp_path: Path, source: str, problem: str) -> None:
    with pytest.raises(KernelProblem) as refused:
        modules_of(tmp_path, node=source)
    assert problem in str(refused.value)


RING = """
    from array import array
    from math import isnan, nan, sqrt

    NEVER = -(1 << 62)
    Ints = "array[int]"

    class Ring:
        __slots__ = ("count", "following", "last", "values")
        count: int
        last: int
        values: Ints
        following: Ring | None

        def __init__(self, size: int) -> None:
            self.count = 0
            self.last = NEVER
            self.values = array("q", bytes(8 * size))
            self.following = None

        def take(self, value: int) -> None:
            if self.last > NEVER and value == self.last:
                return
            self.values[self.count % len(self.values)] = value
            self.last = value
            self.count += 1

    def total(ring: Ring, scale: float = 0.5) -> float:
        result = 0.0
        for at in range(len(ring.values)):
            result += float(ring.values[at]) * scale
        return nan if isnan(result) else sqrt(result * result)
"""
SUM = """
    from sample.ring import Ring, total

    class Sum(Ring):
        __slots__ = ("spread",)
        spread: float

        def take(self, value: int) -> None:
            Ring.take(self, value)
            self.spread = total(self) / 3.0
"""
USE = """
from sample.sum import Ring, Sum
class Own(Sum):
    __slots__ = ()
    def take(self, value):
        Sum.take(self, 2 * value)
told = [kind(3) for kind in (Sum, Own)]
for value in (5, 5, -7, 11, 1 << 40):
    for each in told:
        each.take(value)
print([(each.count, each.last, each.spread, list(each.values), each.following, Sum.__slots__) for each in told])
"""


def used(folder: Path) -> str:
    done = subprocess.run([sys.executable, "-c", USE], cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


needs_compiler = pytest.mark.skipif(
    kernel_build.missing_tool() is not None, reason=f"not compiled: {kernel_build.missing_tool()}"
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return the folder of a compiled package, and what it gave interpreted."""
    folder = tmp_path_factory.mktemp("built")
    modules_of(folder, ring=RING, sum=SUM)
    interpreted = used(folder)
    assert kernel_build.build(folder / "sample", folder / "work").startswith("The kernel is compiled: 3 extensions")
    return folder, interpreted


@needs_compiler
def test_compiled_a_module_gives_what_its_source_gives(built: tuple[Path, str]) -> None:
    folder, interpreted = built
    assert (used(folder), kernel.why_not_compiled(str(folder / "sample"))) == (interpreted, None)
    assert interpreted.startswith("[(4, ")


@needs_compiler
def test_only_what_changed_is_compiled_again_and_what_is_gone_is_removed(built: tuple[Path, str]) -> None:
    package, work = built[0] / "sample", built[0] / "work"
    assert kernel_build.build(package, work) == "The kernel is compiled: 2 modules, none changed."
    modules_of(built[0], sum=SUM.replace("3.0", "4.0"))
    assert kernel.why_not_compiled(str(package)) == "sum.py was changed since it was compiled"
    assert kernel_build.build(package, work).startswith("The kernel is compiled: 1 extensions")
    (package / "sum.py").unlink()
    kernel_build.build(package, work)
    assert [path.name for path in package.glob("sum*")] == []
    assert kernel.why_not_compiled(str(package)) is None
    modules_of(built[0], sum=SUM)
    kernel_build.build(package, work)


@needs_compiler
def test_what_cython_refuses_is_told_at_its_place_in_the_source(built: tuple[Path, str]) -> None:
    package, work = built[0] / "sample", built[0] / "work"
    modules_of(built[0], wrong="def f(a: int) -> int:\n    return unknown + a\n")
    with pytest.raises(KernelProblem) as refused:
        kernel_build.build(package, work)
    (package / "wrong.py").unlink()
    assert str(refused.value).endswith("wrong.py:8: Cython says: undeclared name not builtin: unknown")
    assert not (package / kernel.STAMP).exists(), "half a kernel is not run"
    kernel_build.build(package, work)


def test_without_a_compiler_one_sentence_is_said_and_nothing_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    package = tmp_path / "sample"
    modules_of(tmp_path, ring=RING)
    (package / "old.so").write_text("")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr("sys.argv", ["kernel_build.py", "--package", str(package), "--build", str(tmp_path / "work")])
    assert kernel_build.main() == 0
    assert capsys.readouterr().out == (
        "The kernel is not compiled: there is no C compiler (Debian: apt-get install gcc libc6-dev). "
        "papertape runs interpreted, with the same results, slower.\n"
    )
    assert not (package / "old.so").exists()


def test_an_index_from_the_end_is_refused_because_compiled_it_reads_before_the_start(tmp_path: Path) -> None:
    with pytest.raises(KernelProblem, match=r"node.py:8: items\[-1\]: compiled, an index is not counted from the end"):
        modules_of(tmp_path, node="def last(items: list[int]) -> int:\n    return items[-1]\n")


def test_a_local_name_of_a_buffer_that_an_object_keeps_is_a_bare_pointer(tmp_path: Path) -> None:
    source = (
        "from sample.model import Ints\n\ndef first(row: Ints) -> int:\n    kept: Ints = row.kept\n    return kept[0]\n"
    )
    assert "kept: cython.p_longlong = cython.address(row.kept[0])" in given(tmp_path, row=source)
