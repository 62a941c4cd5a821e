"""Writes the documentation page of all tables from their declaration.

Run `python -m papertape.store.export` after any change of a stored record.
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

from papertape.model.tables import MARKET_TABLES, MIRRORED_TABLES, TABLES, Table
from papertape.store.questdb.words import TIME_TYPE, quest_type
from papertape.store.schema import Column, columns_of
from papertape.store.sqlite_sql import SQLITE_TYPES

TABLES_FILE = "docs/reference/tables.md"

_INTRODUCTION = """\
# Tables

Every record that papertape stores, as declared in `src/papertape/model/tables.py`. This page is generated from the
declaration by `python -m papertape.store.export`; do not edit it.

The **journal** is `papertape.sqlite3`, SQLite, in the data folder. A **QuestDB**, when one is configured, holds a copy
of the tables that show its types; it keeps one row for each time and key, however often it was sent. Times are integer
microseconds UTC. A decimal is kept as exact text: cast it for arithmetic, for example `fee::double` in QuestDB. JSON
holds nested records as text. In QuestDB a value that is unset is NULL; a column marked *required* is NULL only in rows
that are older than the column.
"""

_MEANING = {
    "integer": "whole number",
    "real": "float64",
    "text": "text",
    "boolean": "true or false",
    "bytes": "bytes (msgpack or JSON)",
    "decimal": "exact decimal",
    "json": "JSON",
}


def tables_page() -> str:
    """Return the page as Markdown."""
    tables = (*TABLES, *MARKET_TABLES)
    contents = "\n".join(f"- [{table.name}](#{table.name})" for table in tables)
    return "\n".join((_INTRODUCTION, contents, *(_section(table) for table in tables), ""))


def _section(table: Table) -> str:
    rows = "\n".join(_row(table, column) for column in columns_of(table))
    questdb = " QuestDB |" if table in MIRRORED_TABLES else ""
    journal = " SQLite |" if table in TABLES else ""
    ruler = "---|" * (3 + bool(journal) + bool(questdb))
    description = inspect.cleandoc(table.record.__doc__ or "")
    return (
        f"\n## {table.name}\n\n{description}\n\n{_facts(table)}\n\n"
        f"| column | meaning |{journal}{questdb} |\n|{ruler}\n{rows}"
    )


def _facts(table: Table) -> str:
    facts = [f"Key: {_names(table.key)}."]
    if table.topic is not None:
        facts.append(f"Stream topic: `{table.topic}`.")
    if table in MIRRORED_TABLES:
        kept = "for ever" if table.ttl_days is None else f"{table.ttl_days} days"
        facts.append(
            f"In QuestDB ordered by `{table.time}`, in partitions of a {table.partition.lower()}, kept {kept}."
        )
    if table not in TABLES:
        facts.append("Not in the journal, where the tape and the samples hold it.")
    if table not in MIRRORED_TABLES:
        facts.append("Not in QuestDB.")
    return " ".join(facts)


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _row(table: Table, column: Column) -> str:
    choices = f": {', '.join(column.choices)}" if column.choices else ""
    meaning = "time, µs UTC" if _is_time(column) else _MEANING[column.logical]
    cells = [f"`{column.name}`", f"{meaning}{choices}"]
    if table in TABLES:
        cells.append(f"`{SQLITE_TYPES[column.logical]}`")
    if table in MIRRORED_TABLES:
        kind = quest_type(table, column)
        cells.append(f"`{kind}`" + (" designated" if kind == TIME_TYPE else ""))
    cells.append("key" if column.name in table.key else "may be unset" if column.is_nullable else "required")
    return f"| {' | '.join(cells)} |"


def _is_time(column: Column) -> bool:
    return column.logical == "integer" and (column.name == "ts" or column.name.endswith("_ts"))


def main(root: Path | None = None) -> None:
    """Write the page below `root`, by default the repository this module runs from."""
    base = root or Path(__file__).resolve().parents[3]
    (base / TABLES_FILE).write_text(tables_page(), encoding="utf-8")
    sys.stdout.write(f"wrote {TABLES_FILE}\n")


if __name__ == "__main__":
    main()
