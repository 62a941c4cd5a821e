"""The page on which the rules stand that are checked here."""

from __future__ import annotations


def fragments_of(page: str) -> set[str]:
    """Return the link fragment of every heading."""
    headings = (line.lstrip("#").strip() for line in page.splitlines() if line.startswith("#"))
    return {"#" + heading.lower().replace("`", "").replace(" ", "-") for heading in headings}
