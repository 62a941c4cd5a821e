"""SQL is written in `store/` only."""

from __future__ import annotations

import ast
import re
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[3] / "src" / "papertape"
SQL = re.compile(
    r"\b(SELECT\b.+\bFROM|INSERT\s+(OR\s+\w+\s+)?INTO|UPDATE\s+\S+\s+SET|DELETE\s+FROM|(CREATE|ALTER|DROP)\s+TABLE|PRAGMA)\s",
    re.DOTALL,
)


def _texts(path: Path) -> list[str]:
    constants = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)]
    return [node.value for node in constants if isinstance(node.value, str)]


def test_no_other_package_holds_sql() -> None:
    found = {
        f"{path.relative_to(SOURCES)}: {text.strip()[:60]}"
        for path in SOURCES.rglob("*.py")
        if path.relative_to(SOURCES).parts[0] != "store"
        for text in _texts(path)
        if SQL.search(text)
    }
    assert found == set(), "SQL belongs in store/: ask through the ports of journal instead"


def test_the_search_finds_sql_where_it_is() -> None:
    store = SOURCES / "store"
    found = {str(path.relative_to(store)) for path in store.rglob("*.py") if any(map(SQL.search, _texts(path)))}
    assert found == {
        "connections.py",
        "inspection_sql.py",
        "questdb/health.py",
        "questdb/verify.py",
        "questdb/words.py",
        "sqlite_sql.py",
        "verify.py",
    }
