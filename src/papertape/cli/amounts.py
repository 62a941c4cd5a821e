"""Says numbers of bytes and of things."""

from __future__ import annotations


def sized(size: int) -> str:
    """Return a number of bytes with its unit."""
    value = float(size)
    for unit in ("bytes", "kB", "MB"):
        if value < 1000:
            return f"{value:,.0f} {unit}" if unit == "bytes" else f"{value:,.1f} {unit}"
        value /= 1000
    return f"{value:,.2f} GB"


def counted(number: int, thing: str) -> str:
    """Return how many there are of a thing whose plural ends in s."""
    return f"{number:,} {thing}" + ("" if number == 1 else "s")
