"""Reads a time that was typed."""

from __future__ import annotations

from datetime import UTC, datetime

from papertape.errors import Invalid


def parse_moment(text: str | None, option: str) -> int | None:
    """Return a time of ISO 8601, UTC where it names no zone, in microseconds UTC; None for None.

    Raises:
        Invalid: it is none.
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Invalid(
            f"{text!r} is not a time; expected one such as 2024-08-09 or 2024-08-09T12:30:00, UTC.",
            code="backtest.time",
            path=option,
        ) from None
    at = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return round(at.timestamp() * 1_000_000)
