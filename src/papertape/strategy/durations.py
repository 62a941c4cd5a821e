"""Durations as a trader writes them: `500ms`, `30s`, `5m`, `1.5h`, `1d`."""

from __future__ import annotations

import re

from papertape.errors import Invalid

DURATION_PATTERN = r"^[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$"
_MATCH = re.compile(r"^([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)$")
_UNIT_US = {"ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}


def duration_us(text: str) -> int:
    """Return a duration in microseconds.

    Raises:
        Invalid: the text is not a number followed by ms, s, m, h or d.
    """
    match = _MATCH.match(text)
    if match is None:
        raise Invalid(
            f'expected a duration, found "{text}"; write a number and a unit (ms, s, m, h, d), e.g. 30s',
            code="strategy.duration",
        )
    return round(float(match[1]) * _UNIT_US[match[2]])


def duration_text(us: int) -> str:
    """Return a duration as a short phrase: `45 s`, `3 min 20 s`, `2 h 5 min`."""
    seconds = max(0, us) // 1_000_000
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s" if seconds % 60 else f"{seconds // 60} min"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"
