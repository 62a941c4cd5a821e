"""The page of all tables is what the declaration says."""

from __future__ import annotations

from pathlib import Path

from papertape.model.tables import MARKET_TABLES, TABLES
from papertape.store.export import TABLES_FILE, main, tables_page
from papertape.store.schema import columns_of

ROOT = Path(__file__).resolve().parents[3]


def test_the_page_of_tables_is_up_to_date() -> None:
    assert (ROOT / TABLES_FILE).read_text(encoding="utf-8") == tables_page(), (
        "the declaration has changed: run .venv/bin/python -m papertape.store.export"
    )


def test_every_table_and_column_has_its_line() -> None:
    sections = dict(part.split("\n", 1) for part in tables_page().split("\n## ")[1:])
    assert list(sections) == [table.name for table in (*TABLES, *MARKET_TABLES)]
    for table in (*TABLES, *MARKET_TABLES):
        lines = [line.split(" | ")[0] for line in sections[table.name].splitlines() if line.startswith("| `")]
        assert lines == [f"| `{column.name}`" for column in columns_of(table)]


def test_a_column_shows_both_engines() -> None:
    page = tables_page()
    assert "| `side` | text: buy, sell | `TEXT` | `SYMBOL` | may be unset |" in page
    assert "| `ts` | time, µs UTC | `INTEGER` | `TIMESTAMP` designated | required |" in page
    assert "| `payload` | bytes (msgpack or JSON) | `BLOB` | required |" in page
    assert "| `price` | float64 | `DOUBLE` | required |" in page


def test_the_page_is_written_where_it_belongs(tmp_path: Path) -> None:
    (tmp_path / TABLES_FILE).parent.mkdir(parents=True)
    main(tmp_path)
    assert (tmp_path / TABLES_FILE).read_text(encoding="utf-8") == tables_page()
