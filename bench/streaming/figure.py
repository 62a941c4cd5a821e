"""What a figure of the stream is: a question, a target, and a measurement that says whether it was reached."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How to measure. `is_long`: as the specification says; otherwise as short as the question still makes sense.

    `seconds` and `rounds` replace what the figure would choose.
    """

    seed: int = 1
    is_long: bool = False
    seconds: float | None = None
    rounds: int | None = None

    def seconds_or(self, short: float, long: float) -> float:
        """Return how long to measure."""
        return self.seconds if self.seconds is not None else (long if self.is_long else short)

    def rounds_or(self, short: int, long: int) -> int:
        """Return how often to try."""
        return self.rounds if self.rounds is not None else (long if self.is_long else short)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured, how it was done, and whether the target was reached; `shortfall` says by what it was not."""

    figures: dict[str, Any]  # numbers and short texts under names with their unit, such as `p99_ms`
    method: str
    is_reached: bool
    shortfall: str = ""


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the specification's table. `number` is `R5`."""

    number: str
    what: str
    target: str
    measure: Callable[[Options], Coroutine[Any, Any, Outcome]]


def machine() -> str:
    """Return what this was measured on."""
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return f"{system}, loopback, load average before {os.getloadavg()[0]:.1f}"


def quantile(values: list[float], share: float) -> float:
    """Return the value below which `share` of the values lie; 0 when there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
