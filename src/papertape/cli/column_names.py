"""Reads the option --column, which says what a file calls a column of ours."""

from __future__ import annotations

from papertape.errors import Invalid


def parse_columns(texts: list[str]) -> dict[str, str]:
    """Return the values of --column by our names; raises `Invalid`."""
    columns: dict[str, str] = {}
    for text in texts:
        ours, equals, theirs = text.partition("=")
        if not equals or not ours or not theirs:
            raise Invalid(
                f"{text!r} names no column; expected OURS=THEIRS, for example --column ts=when.",
                code="import.column",
                path="column",
            )
        columns[ours] = theirs
    return columns
