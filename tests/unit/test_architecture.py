"""What the linters cannot say: package docstrings, names, and reasons beside every silenced warning.

Who may import whom is in `.importlinter`; what the core may not touch is there and in the ruff configuration.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ROOT / "src" / "papertape"
SOURCES = sorted(PRODUCT.rglob("*.py"))
ALL = sorted(path for folder in ("src", "tests", "scripts", "bench") for path in (ROOT / folder).rglob("*.py"))
PACKAGES = sorted(path.parent for path in PRODUCT.glob("*/__init__.py"))

EMPTY_NAMES = re.compile(r"(Manager|Helper|Utils?|Base|Data|Info)$|^I[A-Z][a-z]")
SILENCED = re.compile(r"#\s*(?:noqa|type:\s*ignore)(?P<codes>(?::\s*[A-Z0-9, ]+|\[[a-z0-9, -]+\])?)(?P<rest>.*)$")


def _classes(path: Path) -> list[str]:
    return [node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)]


def _silenced_without_reason(path: Path) -> list[str]:
    found = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = SILENCED.search(line)
        if match and (not match["codes"] or len(match["rest"].strip(" #-:—–")) < 8):
            found.append(f"{path.relative_to(ROOT)}:{number}")
    return found


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_every_package_says_what_goes_in_what_comes_out_and_what_never_happens(package: Path) -> None:
    docstring = ast.get_docstring(ast.parse((package / "__init__.py").read_text())) or ""
    missing = [word for word in ("In:", "Out:", "Never:") if word not in docstring]
    assert missing == [], f"the docstring of papertape.{package.name} lacks {missing}"


def test_every_folder_of_python_in_the_product_is_a_package() -> None:
    without = {str(path.parent.relative_to(ROOT)) for path in SOURCES if not (path.parent / "__init__.py").exists()}
    assert without == set(), "add an __init__.py: import-linter and mypy see packages only"


def test_no_class_has_a_name_that_says_nothing() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{name}" for path in SOURCES for name in _classes(path) if EMPTY_NAMES.search(name)
    ]
    assert found == []


def test_every_silenced_warning_names_its_code_and_its_reason() -> None:
    found = [place for path in ALL if path != Path(__file__) for place in _silenced_without_reason(path)]
    assert found == [], "write `# type: ignore[code]  # why` or `# noqa: CODE  why`"


def test_the_module_that_starts_papertape_only_chooses_the_kernel_at_import() -> None:
    _, *statements = ast.parse((PRODUCT / "__init__.py").read_text()).body
    assert [ast.unparse(node) for node in statements if not isinstance(node, ast.Assign)] == [
        "from papertape.kernel import choose as _choose",
        "_choose(__path__[0])",
    ]
