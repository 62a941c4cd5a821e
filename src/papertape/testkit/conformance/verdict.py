"""What a case finds: the rule holds, is broken, or cannot be shown here."""

from __future__ import annotations

from typing import Literal

import msgspec

Result = Literal["passed", "failed", "skipped"]


class Breach(AssertionError):
    """A rule of the protocol was broken; the message says how."""


class Late(Breach):
    """An upper limit of time was passed. On a busy machine that says little, unless it stays so with more time."""


class NotShown(Exception):
    """The rule cannot be shown here and now; the message says why."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one case. `where` is the rule's heading in `docs/reference/stream.md`; `detail` says how or why."""

    name: str
    rule: str
    where: str
    result: Result
    detail: str
    seconds: float


def require(holds: bool, otherwise: str) -> None:
    """Raise `Breach` with the sentence unless the condition holds."""
    if not holds:
        raise Breach(otherwise)


def require_in_time(holds: bool, otherwise: str) -> None:
    """Raise `Late` with the sentence unless the condition, an upper limit of time, holds."""
    if not holds:
        raise Late(otherwise)
