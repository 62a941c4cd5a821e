"""What the checks mean for the session: proven, degraded, restored. Pure decisions; the runner carries them out."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from papertape.model.entries import Lifecycle
from papertape.model.views import Check
from papertape.session.checks import PROOF_DEADLINE_US

CLOSE_DEADLINE_US = 15_000_000
"""How long a session that stops waits for its positions to close."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """A change to make. `check` names the stage and symbol that fail, None when all is well."""

    trigger: str
    state: Lifecycle
    reason: str
    is_degraded: bool
    check: Check | None


def judge(state: Lifecycle, checks: Sequence[Check], *, is_degraded: bool, age_us: int) -> Verdict | None:
    """Return what to change, None when the session goes on as it is. `age_us` is the time since the start."""
    lacking = [check for check in checks if check.status in ("failed", "waiting")]
    first = lacking[0] if lacking else None
    if state == "starting":
        return _judge_start(first, age_us)
    if state == "running" and (first is not None) != is_degraded:
        if first is not None:
            return Verdict(trigger="degraded", state=state, reason=first.detail, is_degraded=True, check=first)
        return Verdict(
            trigger="restored", state=state, reason="Every check passes again.", is_degraded=False, check=None
        )
    return None


def judge_stopping(open_positions: int, has_working_orders: bool, *, waited_us: int) -> str | None:
    """Return how a session that stops has stopped now, None while it waits for its positions to close."""
    if open_positions == 0 and not has_working_orders:
        return "No position is open."
    if waited_us >= CLOSE_DEADLINE_US:
        return f"{open_positions} position{' is' if open_positions == 1 else 's are'} left open, as the report says."
    return None


def _judge_start(first: Check | None, age_us: int) -> Verdict | None:
    if first is None:
        reason = "Every check passed: data arrives, is calculated, written and shown."
        return Verdict(trigger="proven", state="running", reason=reason, is_degraded=False, check=None)
    if age_us > PROOF_DEADLINE_US:
        reason = f"Proof of life is missing after {PROOF_DEADLINE_US // 1_000_000} s: {first.detail}"
        return Verdict(trigger="unproven", state="running", reason=reason, is_degraded=True, check=first)
    return None
