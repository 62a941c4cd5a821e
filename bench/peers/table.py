"""From the lines of all rounds to one row a peer, with what explains its result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from rich.table import Table

from peers.peer import NOT_INSTALLED, Line
from peers.reference import RULES, SEEDS, Outcome, Rule, Seed

Row = dict[str, Any]
Reference = Callable[[int, Rule, Seed], Outcome]
"""The exact outcome of the first so many trades by a rule."""

SAME = 5e-7
"""Two equities are the same to six decimals when they differ by less."""


def summarise(rounds: Sequence[Line], reference: Reference) -> Row:
    """Return the row of one peer from its line of every round: the median of the times, the rest from the last."""
    failed = next((line for line in rounds if "error" in line), None)
    if failed is not None:
        return dict(failed)
    seconds = sorted(line["seconds"] for line in rounds)
    last = rounds[-1]
    middle = median(seconds)
    row = {key: value for key, value in last.items() if key not in ("seconds", "events_per_s")}
    row |= {
        "rounds": len(rounds),
        "seconds": round(middle, 6),
        "seconds_least": seconds[0],
        "seconds_most": seconds[-1],
        "events_per_s": round(last["events"] / middle),
        "spread_pct": round((seconds[-1] - seconds[0]) / middle * 100, 1),
        "peak_memory_mb": max(line["peak_memory_mb"] for line in rounds),
    }
    results = {(line["fills"], line["final_equity"]) for line in rounds}
    if len(results) > 1:
        return row | {"explained_by": "unexplained: its rounds differ", "difference": None}
    return row | explain(last, reference)


def explain(line: Line, reference: Reference) -> Row:
    """Return which rule gives the same fills and equity, its own first; else how far it is from its own."""
    own = (line["fill_rule"], line["average_starts_at"])
    others = [(rule, seed) for rule in RULES for seed in SEEDS if (rule, seed) != own]
    first: float | None = None
    for rule, seed in (own, *others):
        exact = reference(line["events"], rule, seed)
        difference = line["final_equity"] - exact.equity
        first = difference if first is None else first
        if abs(difference) < SAME and line["fills"] == exact.fills:
            by = f"{rule}; averages from the {seed}" if exact.fills else "no fills, by any rule"
            return {"explained_by": by, "difference": round(difference, 8)}
    return {"explained_by": "unexplained", "difference": None if first is None else round(first, 8)}


def is_settled(row: Row) -> bool:
    """Return whether a row says what there is to say: it is explained, or its engine is not installed."""
    if "error" in row:
        return bool(row["error"] == NOT_INSTALLED)
    return "unexplained" not in row["explained_by"]


def compare(rows: Sequence[Row]) -> list[Row]:
    """Return the rows, each with how many times faster papertape is."""
    ours = next((row["events_per_s"] for row in rows if row["peer"] == "papertape" and "error" not in row), None)
    return [
        row if ours is None or "error" in row else {**row, "papertape_is_faster": _ratio(ours / row["events_per_s"])}
        for row in rows
    ]


def build_table(title: str, rows: Sequence[Row]) -> Table:
    """Return the rows of one load for the terminal."""
    table = Table(title=title, title_justify="left")
    for heading in ("engine", "trades", "events/s", "spread", "papertape ×", "fills", "final equity", "MB"):
        table.add_column(heading, justify="left" if heading == "engine" else "right", no_wrap=True)
    table.add_column("explained by")
    for row in rows:
        if "error" in row:
            table.add_row(row["peer"], *[""] * 7, row["error"])
            continue
        table.add_row(
            f"{row['peer']} {row['version']}",
            f"{row['events']:,}",
            f"{row['events_per_s']:,}",
            f"{row['spread_pct']} %",
            str(row.get("papertape_is_faster", "")),
            f"{row['fills']:,}",
            f"{row['final_equity']:.6f}",
            str(row["peak_memory_mb"]),
            row["explained_by"],
        )
    return table


def _ratio(ratio: float) -> float:
    return round(ratio, 1) if ratio >= 10 else round(ratio, 2)
