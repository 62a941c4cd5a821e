"""What the documentation names must exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)#]+)\)")
TEST = re.compile(r"`(tests/[\w/.*-]+)(?:::(\w+))?`")
CODE = re.compile(
    r"`((?:feeds|session|journal|engine|broker|indicators|strategy|store|server|model)/[\w/.]+?)(?:: \w+)?`"
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    targets = [target for target in LINK.findall(page.read_text()) if "://" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_test_that_proves_a_promise_exists() -> None:
    missing = []
    for pattern, name in TEST.findall((ROOT / "docs/reference/promises.md").read_text()):
        files = list(ROOT.glob(pattern))
        if not files or (name and not any(f"def {name}(" in file.read_text() for file in files)):
            missing.append(f"{pattern}::{name}")
    assert missing == []


def test_every_file_on_the_path_of_a_trade_exists() -> None:
    named = CODE.findall((ROOT / "docs/concepts/path.md").read_text())
    assert len(named) > 15
    assert [name for name in named if not (ROOT / "src/papertape" / name).exists()] == []


def test_decisions_are_numbered_without_holes() -> None:
    numbers = sorted(int(page.name[:4]) for page in (ROOT / "docs/decisions").glob("*.md"))
    assert numbers == list(range(1, len(numbers) + 1))
